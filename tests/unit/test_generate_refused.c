/* What [arrivals], [modulation], [prompt] and ServeGen's files may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/generate.h"

#define PROMPT "[prompt]\ndistribution = fixed\ntokens = 37\n"
#define REST                           \
    "[workload]\nduration_s = 100\n"   \
    "[output]\ndistribution = fixed\n" \
    "tokens = 13\n"
#define MODULATED "[arrivals]\nprocess = poisson\nrate_rps = 4.1\n[modulation]\n"

/* What stands in the section under test begins in line 1. */
static void assert_refused(const char *sections, const char *rest, const char *expected)
{
    char text[4096];
    int length = snprintf(text, sizeof text, "%s%s" REST, sections, rest);
    write_file("w.ini", text, (size_t)length);
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    int status = generate_read(&spec, "w.ini", NULL, 0, &arena, &err);
    assert_string_equal(err.text, expected);
    assert_int_equal(status, -1);
    memory_arena_free(&arena);
}

static void weibull_gaps_need_one_of_cv_and_shape(void **state)
{
    (void)state;
    assert_refused("[arrivals]\nprocess = weibull\nrate_rps = 4.1\n", PROMPT,
                   "w.ini:2: process: it needs 'cv' or 'shape' in [arrivals]");
    assert_refused("[arrivals]\nprocess = weibull\nrate_rps = 4.1\nshape = 0.1\n",
                   PROMPT, "w.ini:4: shape: '0.1' is less than 0.15");
}

static void states_are_pairs_of_a_rate_and_a_sojourn(void **state)
{
    (void)state;
    assert_refused(
        "[arrivals]\nprocess = mmpp\n", PROMPT,
        "w.ini:1: [arrivals] must give 'states' (rate:sojourn of each state, "
        "in requests/s and mean s, as 7.1:62s, 4.6:109s; more of them in "
        "states_2, states_3 ...)");
    assert_refused("[arrivals]\nprocess = mmpp\nstates = 7:62s, 4.6\n", PROMPT,
                   "w.ini:3: states: number 2 of the list: '4.6' is not of the form "
                   "rate:sojourn");
    assert_refused(
        "[arrivals]\nprocess = mmpp\nstates = 7:62s:3\n", PROMPT,
        "w.ini:3: states: number 1 of the list: '7:62s:3' is not of the form "
        "rate:sojourn");
    assert_refused("[arrivals]\nprocess = mmpp\nstates = 7:62s\nstates_2 = 3:0\n",
                   PROMPT,
                   "w.ini:4: states_2: number 2 of the list: sojourn: '0' is less than "
                   "0.001 s");
    assert_refused("[arrivals]\nprocess = mmpp\nstates = 7:6\nstates_3 = 3:1\n", PROMPT,
                   "w.ini:4: [arrivals] unknown key 'states_3' (did you mean "
                   "'states'?)");
    assert_refused("[arrivals]\nprocess = mmpp\nstates = 0:62s, 0:1s\n", PROMPT,
                   "w.ini:3: states: the mean rate of all is 0 requests/s; it must be "
                   "from 0.001 to 1000000");
    assert_refused("[arrivals]\nprocess = mmpp\nstates = 7:6\nswitching = back\n",
                   PROMPT, "w.ini:4: switching: 'back' is not one of cyclic, uniform");
}

static void batches_have_an_end_and_a_size(void **state)
{
    (void)state;
    assert_refused("[arrivals]\nprocess = batch\n", PROMPT,
                   "w.ini:2: process: without batch_size it needs 'requests' in "
                   "[workload]");
    assert_refused("[arrivals]\nprocess = batch\nevery_s = 5\n", PROMPT,
                   "w.ini:3: every_s: there is no batch_size that would come again");
    assert_refused("[arrivals]\nprocess = batch\nbatch_size = 0\n", PROMPT,
                   "w.ini:3: batch_size: '0' is less than 1 requests");
    assert_refused(
        "[arrivals]\nprocess = batch\nrate_rps = 3\n", PROMPT,
        "w.ini:3: rate_rps: this key goes with process = constant or poisson "
        "or gamma or weibull or cox or mmpp or servegen, not with batch");
}

static void a_profile_begins_at_0_and_goes_on(void **state)
{
    (void)state;
    assert_refused(
        MODULATED "profile = 1h:3, 2h:4\n", PROMPT,
        "w.ini:5: profile: number 1 of the list: the first time of a profile "
        "must be 0");
    assert_refused(MODULATED "profile = 0:3, 2h:4, 2h:5\n", PROMPT,
                   "w.ini:5: profile: number 3 of the list: its time is not after the "
                   "one before it");
    assert_refused(MODULATED "profile = 0:3, 2h:-4\n", PROMPT,
                   "w.ini:5: profile: number 2 of the list: rate: '-4' is less than 0");
    assert_refused(MODULATED "profile = 0:3, 2h:4\nperiod_s = 2h\n", PROMPT,
                   "w.ini:5: profile: number 2 of the list: its time is not before the "
                   "end of period_s");
    assert_refused(
        MODULATED "profile = 0:3\n", PROMPT,
        "w.ini:5: profile: number 1 of the list: one rate that never changes "
        "is no profile; give more, or none");
    assert_refused(MODULATED "profile = 0:0, 2h:0\n", PROMPT,
                   "w.ini:5: profile: its rate is 0 at all times");
    assert_refused(MODULATED "profile = 0:1, 2h:2\nperiod_s = 1ms\n", PROMPT,
                   "w.ini:6: period_s: a profile cannot begin anew more than once a "
                   "second");
    assert_refused(
        "[arrivals]\nprocess = poisson\n[modulation]\nprofile = 0:0.0002, "
        "2h:0.0006\n",
        PROMPT,
        "w.ini:4: profile: its mean is 0.0004; without rate_rps in [arrivals] "
        "it must be from 0.001 to 1000000 requests/s");
}

static void a_file_of_a_profile_has_two_columns(void **state)
{
    (void)state;
    static const char csv[] = "time,rate\n0,3\n7,4,5\n";
    write_file("rates.csv", csv, sizeof csv - 1);
    write_file("none.csv", "time,rate\n", 10);
    assert_refused(MODULATED "profile_file = rates.csv\n", PROMPT,
                   "rates.csv:3: '7,4,5' is not of the form time,rate");
    assert_refused(MODULATED "profile_file = none.csv\n", PROMPT,
                   "none.csv: no line holds numbers");
    assert_refused(MODULATED "profile_file = gone.csv\n", PROMPT,
                   "gone.csv: cannot be opened: No such file or directory");
    assert_refused(MODULATED "profile_file = rates.csv\nprofile = 0:1, 2:3\n", PROMPT,
                   "w.ini:5: profile_file: profile is given too; only one of the two "
                   "can be");
}

static void keys_that_do_nothing_are_refused(void **state)
{
    (void)state;
    static const char no_ramp[] = "a ramp needs ramp_s and a ramp_factor other than 1";
    static const char *const alone[][2] = {
        {"period_s = 24h", "there is no profile that could begin anew"},
        {"profile_shape = steps", "there is no profile"},
        {"ramp_s = 60", no_ramp},
        {"ramp_factor = 3", no_ramp},
        {"ramp_start_s = 3", no_ramp},
        {"spike_s = 3", "random spikes need spike_every_s"},
        {"spike_factor = 3", "random spikes need spike_every_s"},
        {"spike_every_s = 0.01", "random spikes come at most every 0.1 s in the mean"}};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        char text[256];
        char expected[256];
        snprintf(text, sizeof text, MODULATED "%s\n", alone[i][0]);
        snprintf(expected, sizeof expected, "w.ini:5: %.*s: %s",
                 (int)strcspn(alone[i][0], " "), alone[i][0], alone[i][1]);
        assert_refused(text, PROMPT, expected);
    }
    assert_refused(MODULATED "spikes = 10:5:3, 12s:1:2\n", PROMPT,
                   "w.ini:5: spikes: number 2 of the list: it begins before the one "
                   "before it has ended");
    assert_refused(MODULATED "spikes = 10:5\n", PROMPT,
                   "w.ini:5: spikes: number 1 of the list: '10:5' is not of the form "
                   "beginning:length:factor");
    assert_refused("[arrivals]\nprocess = batch\nbatch_size = 3\n[modulation]\n"
                   "ramp_factor = 3\nramp_s = 60\n",
                   PROMPT,
                   "w.ini:2: process: it has no rate that [modulation] could change");
}

static void quantiles_rise_from_0_to_1(void **state)
{
    (void)state;
    static const char section[] = "[prompt]\ndistribution = quantiles\n";
    static const char arrivals[] = "[arrivals]\nprocess = constant\nrate_rps = 4\n";
    static const char *const lists[][2] = {
        {"0.1:3, 1:4", "number 1 of the list: the first share must be 0"},
        {"0:3, 0.9:4", "number 2 of the list: the last share must be 1"},
        {"0:3, 0.9:4, 0.5:5, 1:6",
         "number 3 of the list: its share is less than the one before it"},
        {"0:3, 0.5:2, 1:6",
         "number 2 of the list: its length is less than the one before it"},
        {"0:3, 1.5:6", "number 2 of the list: share: '1.5' is greater than 1"},
        {"0:0, 1:6", "number 1 of the list: tokens: '0' is less than 1"},
        {"0:3, 50%:4, 1:6", "number 2 of the list: share: '50%' is not a number (a "
                            "decimal without a unit)"}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char text[256];
        char expected[256];
        snprintf(text, sizeof text, "%squantiles = %s\n", section, lists[i][0]);
        snprintf(expected, sizeof expected, "w.ini:3: quantiles: %s", lists[i][1]);
        assert_refused(text, arrivals, expected);
    }
    assert_refused(section, arrivals,
                   "w.ini:2: distribution: it needs 'quantiles' or 'quantiles_file', "
                   "and not both");
    assert_refused(
        "[prompt]\ndistribution = quantiles\nquantiles = 0:3, 1:40\nmin = 50\n"
        "outside = resample\n",
        arrivals,
        "w.ini:5: outside: too little of the distribution lies between min "
        "(50) and max (1000000000) to draw again what is outside");
}

static void the_lists_of_gammas_hold_numbers_and_equally_many(void **state)
{
    (void)state;
    static const char arrivals[] = "[arrivals]\nprocess = constant\nrate_rps = 4\n";
    assert_refused("[prompt]\ndistribution = gamma_mix\nw = 0.5, 0.5\nshape = 1\n"
                   "scale = 3, 4\n",
                   arrivals, "w.ini:4: shape: the list is 1 long and w is 2 long");
    assert_refused("[prompt]\ndistribution = gamma_mix\nw = 1\nshape = 1\nscale = 0\n",
                   arrivals,
                   "w.ini:5: scale: number 1 of the list: '0' is less than 0.000001");
    assert_refused("[prompt]\ndistribution = gamma_mix\nw = 1\nmu = 1\nscale = 1\n",
                   arrivals,
                   "w.ini:4: mu: this key goes with distribution = lognormal_mix, not "
                   "with gamma_mix");
}

#define CLIENTS "[arrivals]\nprocess = servegen\nclients = .\n"

/* The folder has one client, whose file that is. */
static void assert_client_refused(const char *csv, const char *expected)
{
    write_file("chunk-5-trace.csv", csv, strlen(csv));
    assert_refused(CLIENTS, PROMPT, expected);
}

static void clients_are_files_of_windows(void **state)
{
    (void)state;
    assert_refused("[arrivals]\nprocess = servegen\nclients = gone\n", PROMPT,
                   "gone: the folder cannot be read: No such file or directory");
    assert_refused(CLIENTS, PROMPT,
                   ".: no file is called chunk-N-trace.csv, as those of ServeGen's "
                   "clients are");
    assert_client_refused("", "./chunk-5-trace.csv: it is empty");
    assert_client_refused("0,1,1,Gamma,1\n",
                          "./chunk-5-trace.csv:1: 5 columns, expected 6: start_s, "
                          "rate_rps, cv, family and two parameters");
    assert_client_refused("0,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n",
                          "./chunk-5-trace.csv:2: start_s: '0' is not after the window "
                          "before it");
    assert_client_refused("then,1,1,Gamma,1,1\n",
                          "./chunk-5-trace.csv:1: start_s: 'then' is not a time in "
                          "seconds up to 1000000000");
    assert_client_refused("0,-1,1,Gamma,1,1\n",
                          "./chunk-5-trace.csv:1: rate_rps: '-1' is not a rate from 0 "
                          "to 1000000 requests/s");
    assert_client_refused("0,1,nan,Gamma,1,1\n",
                          "./chunk-5-trace.csv:1: cv: 'nan' is not a number from 0.01 "
                          "to 100");
    assert_client_refused("0,1,1,,1,1\n",
                          "./chunk-5-trace.csv:1: family: '' is not Gamma or Weibull, "
                          "and the rate is not 0");
    assert_client_refused("0,0,0,,0,0\n",
                          ".: no client sends anything between from_s and until_s");
    assert_client_refused(
        "0,0.0001,1,Gamma,0,0\n",
        "w.ini:3: clients: the mean rate of all is 0.0001 requests/s; "
        "it must be from 0.001 to 1000000");
    assert_refused(CLIENTS "from_s = 7\nuntil_s = 7\n", PROMPT,
                   "w.ini:5: until_s: it is not after from_s");
    remove("chunk-5-trace.csv");
}

static void assert_dataset_refused(const char *json, const char *expected)
{
    write_file("chunk-5-dataset.json", json, strlen(json));
    assert_refused(CLIENTS, PROMPT, expected);
}

/* Dictionaries are read and nothing in them is ever evaluated. */
static void datasets_hold_dictionaries_of_lengths(void **state)
{
    (void)state;
    static const char *const values[][2] = {{"__import__('os')", "__import__('os')"},
                                            {"{1: 0.5", ""},
                                            {"{1: 0.5} + {}", "+ {}"},
                                            {"{1: 0.5,}", "}"},
                                            {"{-1: 0.5}", "-1: 0.5}"},
                                            {"{1.5: 0.5}", "}"},
                                            {"{1: nan}", "nan}"},
                                            {"{1 0.5}", "0.5}"},
                                            {"{2000000000: 1}", "}"}};
    static const char csv[] = "0,1,1,Gamma,1,1\n";
    write_file("chunk-5-trace.csv", csv, sizeof csv - 1);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char json[256];
        char expected[512];
        snprintf(json, sizeof json, "{\"0\": {\"input_tokens\": \"%s\"}}",
                 values[i][0]);
        snprintf(expected, sizeof expected,
                 "./chunk-5-dataset.json: 0.input_tokens: expected a Python dictionary "
                 "of lengths and probabilities such as {12: 0.25, 300: 0.75}, at '%s'",
                 values[i][1]);
        assert_dataset_refused(json, expected);
    }
    assert_dataset_refused("{\"0\": {\"output_tokens\": \"{1: 0, 2: 0.0}\"}}",
                           "./chunk-5-dataset.json: 0.output_tokens: expected "
                           "probabilities of which one is not 0, at ''");
    assert_dataset_refused(
        "{\"0\": {\"output_tokens\": [1, 2]}}",
        "./chunk-5-dataset.json: 0.output_tokens: expected a string, "
        "is an array");
    assert_dataset_refused(
        "{\"soon\": {}}", "./chunk-5-dataset.json: 'soon' is not the second at which a "
                          "window begins");
    assert_dataset_refused("{}", "./chunk-5-dataset.json: expected an object of 1 to "
                                 "100000 windows, has 0");
    assert_dataset_refused("{\"0\": 3}",
                           "./chunk-5-dataset.json: 0: expected an object, "
                           "is an integer");
    remove("chunk-5-trace.csv");
    remove("chunk-5-dataset.json");
}

/* More is asked for than there is: the error of writing the trace. */
static void assert_ends(const char *sections, const char *expected)
{
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "%s[workload]\nrequests = 4099\n" PROMPT
                          "[output]\ndistribution = fixed\ntokens = 13\n",
                          sections);
    write_file("w.ini", text, (size_t)length);
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct err err = {""};
    generate_read(&spec, "w.ini", NULL, 0, &arena, &err);
    assert_string_equal(err.text, "");
    FILE *out = fopen("out.csv", "w");
    assert_non_null(out);
    assert_int_equal(generate_write(&spec, out, NULL, &err), -1);
    assert_string_equal(err.text, expected);
    fclose(out);
    memory_arena_free(&arena);
}

static void arrivals_that_end_say_why(void **state)
{
    (void)state;
    static const char csv[] = "0,1,0.01,Gamma,1,1\n600,0,0,,0,0\n";
    static const char spikes[] = "ramp_factor = 0\nramp_s = 60\nspike_every_s = 1\n";
    char text[512];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text,
                 "[arrivals]\nprocess = constant\nrate_rps = 1\n%s%s", "[modulation]\n",
                 i == 0 ? "profile = 0:3, 60.5s:0\n" : spikes);
        assert_ends(text, i == 0 ? "w.ini: only 61 of 4099 requests arrive before "
                                   "[modulation] leaves a rate of 0 for good; ask for "
                                   "fewer or a higher rate"
                                 : "w.ini: only 134 of 4099 requests arrive before "
                                   "[modulation] leaves a rate of 0 for good; ask for "
                                   "fewer or a higher rate");
    }
    write_file("chunk-5-trace.csv", csv, sizeof csv - 1);
    assert_ends("[arrivals]\nprocess = servegen\nclients = .\n",
                "w.ini: only 599 of 4099 requests arrive before the last window of the "
                "clients has ended; ask for fewer or a higher rate");
    remove("chunk-5-trace.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weibull_gaps_need_one_of_cv_and_shape),
        cmocka_unit_test(states_are_pairs_of_a_rate_and_a_sojourn),
        cmocka_unit_test(batches_have_an_end_and_a_size),
        cmocka_unit_test(a_profile_begins_at_0_and_goes_on),
        cmocka_unit_test(a_file_of_a_profile_has_two_columns),
        cmocka_unit_test(keys_that_do_nothing_are_refused),
        cmocka_unit_test(quantiles_rise_from_0_to_1),
        cmocka_unit_test(the_lists_of_gammas_hold_numbers_and_equally_many),
        cmocka_unit_test(clients_are_files_of_windows),
        cmocka_unit_test(datasets_hold_dictionaries_of_lengths),
        cmocka_unit_test(arrivals_that_end_say_why),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
