#include "input/modulation_clock.h"

#include <gsl/gsl_randist.h>
#include <math.h>

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* A line a + b x through the two ends of a part. */
struct line {
    double a;
    double b;
};

/* The profile from now_ns on, and in *end_ns the corner at which that ends. */
static struct line profile_line(struct modulation_clock *clock, int64_t now_ns,
                                int64_t *end_ns)
{
    const struct modulation_spec *spec = clock->spec;
    const struct modulation_corner *corners = spec->corners;
    if (spec->n_corners == 0) {
        return (struct line){.a = 1};
    }
    int32_t last = spec->n_corners - 1;
    while (clock->corner < last &&
           now_ns - clock->lap_ns >= corners[clock->corner + 1].at_ns) {
        clock->corner++;
        if (clock->corner == last && spec->period_ns > 0) {
            clock->corner = 0;
            clock->lap_ns += spec->period_ns;
        }
    }
    const struct modulation_corner *from = &corners[clock->corner];
    if (clock->corner == last) {
        return (struct line){.a = from->after};
    }
    const struct modulation_corner *to = from + 1;
    double slope = (to->before - from->after) / seconds(to->at_ns - from->at_ns);
    int64_t since_ns = now_ns - clock->lap_ns - from->at_ns;
    int64_t corner_ns = clock->lap_ns + to->at_ns;
    *end_ns = corner_ns < *end_ns ? corner_ns : *end_ns;
    return (struct line){.a = fmax(from->after + slope * seconds(since_ns), 0),
                         .b = slope};
}

static struct line ramp_line(const struct modulation_spec *spec, int64_t now_ns,
                             int64_t *end_ns)
{
    double factor = (double)spec->ramp_nano / 1e9;
    int64_t ramp_end_ns = spec->ramp_start_ns + spec->ramp_ns;
    if (spec->ramp_ns == 0 || now_ns >= ramp_end_ns) {
        return (struct line){.a = spec->ramp_ns == 0 ? 1 : factor};
    }
    bool has_begun = now_ns >= spec->ramp_start_ns;
    int64_t next_ns = has_begun ? ramp_end_ns : spec->ramp_start_ns;
    *end_ns = next_ns < *end_ns ? next_ns : *end_ns;
    if (!has_begun) {
        return (struct line){.a = 1};
    }
    double slope = (factor - 1) / seconds(spec->ramp_ns);
    return (struct line){.a = 1 + slope * seconds(now_ns - spec->ramp_start_ns),
                         .b = slope};
}

/* The factor of that spike from now_ns on. */
static double spike_factor(const struct modulation_spike *spike, int64_t now_ns,
                           int64_t *end_ns)
{
    bool has_begun = now_ns >= spike->at_ns;
    int64_t next_ns = has_begun ? spike->end_ns : spike->at_ns;
    *end_ns = next_ns < *end_ns ? next_ns : *end_ns;
    return has_begun ? spike->factor : 1;
}

/* The next random spike after that moment. */
static void draw_spike(struct modulation_clock *clock, int64_t after_ns)
{
    const struct modulation_spec *spec = clock->spec;
    double mean_s = seconds(spec->spike_every_ns);
    double wait_s = gsl_ran_exponential(clock->spikes.generator, mean_s);
    double most_s = seconds(MODULATION_END_NS - after_ns);
    int64_t wait_ns = wait_s < most_s ? llround(wait_s * 1e9) : MODULATION_END_NS;
    clock->random = (struct modulation_spike){
        .at_ns = after_ns + wait_ns,
        .end_ns = after_ns + wait_ns + spec->spike_ns,
        .factor = (double)spec->spike_nano / 1e9,
    };
}

static double spikes_factor(struct modulation_clock *clock, int64_t now_ns,
                            int64_t *end_ns)
{
    const struct modulation_spec *spec = clock->spec;
    double factor = 1;
    while (clock->spike < spec->n_spikes &&
           now_ns >= spec->spikes[clock->spike].end_ns) {
        clock->spike++;
    }
    if (clock->spike < spec->n_spikes) {
        factor = spike_factor(&spec->spikes[clock->spike], now_ns, end_ns);
    }
    if (spec->spike_every_ns > 0) {
        while (now_ns >= clock->random.end_ns) {
            draw_spike(clock, clock->random.end_ns);
        }
        factor *= spike_factor(&clock->random, now_ns, end_ns);
    }
    return factor;
}

/* Begins the part that starts at now_ns. */
static void begin_part(struct modulation_clock *clock, int64_t now_ns)
{
    clock->start_ns = now_ns;
    clock->end_ns = MODULATION_END_NS;
    clock->passed_s = 0;
    struct line profile = profile_line(clock, now_ns, &clock->end_ns);
    struct line ramp = ramp_line(clock->spec, now_ns, &clock->end_ns);
    double spikes = spikes_factor(clock, now_ns, &clock->end_ns);
    clock->factor[0] = profile.a * ramp.a * spikes;
    clock->factor[1] = (profile.a * ramp.b + profile.b * ramp.a) * spikes;
    clock->factor[2] = profile.b * ramp.b * spikes;
}

void modulation_clock_init(struct modulation_clock *clock,
                           const struct modulation_spec *spec, uint64_t seed)
{
    *clock = (struct modulation_clock){.spec = spec};
    rng_init(&clock->spikes, seed, "spikes");
    begin_part(clock, 0);
}

void modulation_clock_free(struct modulation_clock *clock)
{
    rng_free(&clock->spikes);
}

/* The integral of the factor from the part's beginning. */
static double area_to(const double factor[3], double x)
{
    return x * (factor[0] + x * (factor[1] / 2 + x * (factor[2] / 3)));
}

/* The x from `low` to `high` at which the integral is `area`, which it is at one of them:
 * by Newton's method, and by halving where that would leave the two. */
static double area_reach(const double factor[3], double area, double low, double high)
{
    double x = low;
    for (int i = 0; i < 100 && low < high; i++) {
        double off = area_to(factor, x) - area;
        double slope = factor[0] + x * (factor[1] + x * factor[2]);
        *(off < 0 ? &low : &high) = x;
        double next = slope > 0 ? x - off / slope : high;
        if (!(next > low && next < high)) {
            next = low + (high - low) / 2;
        }
        if (off == 0 || next == x) {
            return x;
        }
        x = next;
    }
    return x;
}

double modulation_clock_pass(struct modulation_clock *clock, double area,
                             int64_t until_ns)
{
    for (;;) {
        int64_t end_ns = clock->end_ns < until_ns ? clock->end_ns : until_ns;
        const double *factor = clock->factor;
        double end_s = fmax(seconds(end_ns - clock->start_ns), clock->passed_s);
        double from = area_to(factor, clock->passed_s);
        double room = fmax(area_to(factor, end_s) - from, 0);
        if (area <= room) {
            clock->passed_s = area_reach(factor, from + area, clock->passed_s, end_s);
            return 0;
        }
        area -= room;
        clock->passed_s = end_s;
        if (end_ns == clock->end_ns && end_ns < MODULATION_END_NS) {
            begin_part(clock, end_ns);
        }
        if (end_ns == until_ns || end_ns == MODULATION_END_NS ||
            modulation_clock_is_over(clock)) {
            return area;
        }
    }
}

int64_t modulation_clock_now_ns(const struct modulation_clock *clock)
{
    double passed_ns = clock->passed_s * 1e9;
    int64_t most_ns = clock->end_ns - clock->start_ns;
    return clock->start_ns +
           (passed_ns < (double)most_ns ? llround(passed_ns) : most_ns);
}

bool modulation_clock_is_over(const struct modulation_clock *clock)
{
    const struct modulation_spec *spec = clock->spec;
    bool is_last = spec->n_corners > 0 && spec->period_ns == 0 &&
                   clock->corner == spec->n_corners - 1;
    bool has_ramped = spec->ramp_ns > 0 && spec->ramp_nano == 0 &&
                      clock->start_ns >= spec->ramp_start_ns + spec->ramp_ns;
    return (is_last && spec->corners[spec->n_corners - 1].after == 0) || has_ramped;
}
