#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "output/folder.h"

/* `path`/`name` with that text in it. */
static void put(const char *path, const char *name, const char *text)
{
    char file[600];
    snprintf(file, sizeof file, "%s/%s", path, name);
    write_file(file, text, strlen(text));
}

static void assert_holds(const char *path, const char *name, const char *text)
{
    char file[600];
    char found[64] = "";
    snprintf(file, sizeof file, "%s/%s", path, name);
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    assert_int_equal(fread(found, 1, sizeof found - 1, in), strlen(text));
    fclose(in);
    assert_string_equal(found, text);
}

/* Names in the current folder: nothing may be left over. */
static int n_entries(const char *path)
{
    int n = 0;
    DIR *listing = opendir(path);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        n += entry->d_name[0] != '.';
    }
    closedir(listing);
    return n;
}

static void sweep(const char *path)
{
    DIR *listing = opendir(path);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        unlinkat(dirfd(listing), entry->d_name, 0);
    }
    closedir(listing);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(n_entries("."), 0);
}

static void must_create(struct folder *folder, const char *path, bool overwrite)
{
    struct err err = {""};
    folder_create(folder, path, overwrite, &err);
    assert_string_equal(err.text, "");
}

static void must_commit(struct folder *folder)
{
    struct err err = {""};
    folder_commit(folder, &err);
    assert_string_equal(err.text, "");
}

static void assert_refused(const char *path, bool overwrite, const char *text)
{
    struct folder folder;
    struct err err = {""};
    assert_int_equal(folder_create(&folder, path, overwrite, &err), -1);
    assert_string_equal(err.text, text);
}

static void nothing_has_the_name_until_everything_is_there(void **state)
{
    (void)state;
    struct folder folder;
    char temporary[64];
    must_create(&folder, "out///", false);
    assert_string_equal(folder.path, "out");
    snprintf(temporary, sizeof temporary, "out.tmp.%d", (int)getpid());
    assert_string_equal(folder.temporary, temporary);
    put(folder.temporary, "config.ini", "new");
    assert_int_equal(access("out", F_OK), -1);
    must_commit(&folder);
    assert_holds("out", "config.ini", "new");
    assert_int_equal(n_entries("."), 1);
    sweep("out");
}

static void a_folder_that_exists_is_refused_before_and_after(void **state)
{
    (void)state;
    assert_int_equal(mkdir("out", 0777), 0);
    assert_refused("out", false, "-o out: exists already; --overwrite replaces it");
    assert_refused("out/", false, "-o out: exists already; --overwrite replaces it");
    sweep("out");
    /* somebody else is quicker */
    struct folder folder;
    struct err err = {""};
    must_create(&folder, "out", false);
    put(folder.temporary, "config.ini", "new");
    assert_int_equal(mkdir("out", 0777), 0);
    put("out", "config.ini", "theirs");
    assert_int_equal(folder_commit(&folder, &err), -1);
    assert_string_equal(err.text,
                        "-o out: cannot put the results in place: File exists");
    assert_holds("out", "config.ini", "theirs");
    sweep("out");
}

static void overwriting_exchanges_old_results_for_new_ones(void **state)
{
    (void)state;
    struct folder folder;
    assert_int_equal(mkdir("out", 0777), 0);
    put("out", "config.ini", "old");
    put("out", "steps.csv", "old");
    must_create(&folder, "out", true);
    put(folder.temporary, "config.ini", "new");
    assert_holds("out", "config.ini", "old");
    must_commit(&folder);
    assert_holds("out", "config.ini", "new");
    assert_int_equal(n_entries("out"), 1); /* steps.csv went with the old ones */
    assert_int_equal(n_entries("."), 1);
    sweep("out");
}

static void overwriting_nothing_or_an_empty_folder_is_fine(void **state)
{
    (void)state;
    struct folder folder;
    must_create(&folder, "out", true);
    put(folder.temporary, "config.ini", "first");
    must_commit(&folder);
    assert_holds("out", "config.ini", "first");
    sweep("out");
    assert_int_equal(mkdir("out", 0777), 0);
    must_create(&folder, "out", true);
    put(folder.temporary, "config.ini", "second");
    must_commit(&folder);
    assert_holds("out", "config.ini", "second");
    sweep("out");
}

static void a_folder_that_holds_something_else_is_never_replaced(void **state)
{
    (void)state;
    assert_int_equal(mkdir("out", 0777), 0);
    put("out", "config.ini", "old");
    put("out", "thesis.tex", "years");
    assert_refused("out", true,
                   "-o out: holds 'thesis.tex', which no results do: not overwritten");
    assert_holds("out", "thesis.tex", "years");
    assert_int_equal(unlink("out/thesis.tex"), 0);
    assert_int_equal(mkdir("out/more", 0777), 0);
    assert_refused("out", true,
                   "-o out: holds 'more', which no results do: not overwritten");
    assert_holds("out", "config.ini", "old");
    assert_int_equal(rmdir("out/more"), 0);
    sweep("out");
}

static void what_came_into_the_folder_meanwhile_is_never_replaced(void **state)
{
    (void)state;
    struct folder folder;
    struct err err;
    must_create(&folder, "out", true);
    put(folder.temporary, "config.ini", "new");
    assert_int_equal(mkdir("out", 0777), 0);
    put("out", "thesis.tex", "years");
    assert_int_equal(folder_commit(&folder, &err), -1);
    assert_string_equal(
        err.text, "-o out: holds 'thesis.tex', which no results do: not overwritten");
    assert_holds("out", "thesis.tex", "years");
    assert_int_equal(n_entries("."), 1);
    sweep("out");
}

static void what_is_not_a_folder_is_refused(void **state)
{
    (void)state;
    write_file("out", "a file", 6);
    assert_refused("out", true, "-o out: exists and is not a folder");
    unlink("out");
    assert_int_equal(symlink("/tmp", "out"), 0);
    assert_refused("out", true, "-o out: exists and is not a folder");
    unlink("out");
}

static void a_path_that_is_empty_too_long_or_leads_nowhere_is_refused(void **state)
{
    (void)state;
    char longer[401];
    char text[600];
    memset(longer, 'l', 400);
    longer[400] = '\0';
    assert_refused("", false, "-o : expected a path of 1 to 399 bytes");
    snprintf(text, sizeof text, "-o %s: expected a path of 1 to 399 bytes", longer);
    assert_refused(longer, false, text);
    snprintf(text, sizeof text,
             "-o no/where: cannot create no/where.tmp.%d: No such file or directory",
             (int)getpid());
    assert_refused("no/where", false, text);
}

static void discarding_leaves_nothing_but_what_was_there(void **state)
{
    (void)state;
    struct folder folder;
    assert_int_equal(mkdir("out", 0777), 0);
    put("out", "config.ini", "old");
    must_create(&folder, "out", true);
    put(folder.temporary, "config.ini", "new");
    put(folder.temporary, "requests.csv", "half");
    folder_discard(&folder);
    assert_int_equal(n_entries("."), 1);
    assert_holds("out", "config.ini", "old");
    sweep("out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_the_name_until_everything_is_there),
        cmocka_unit_test(a_folder_that_exists_is_refused_before_and_after),
        cmocka_unit_test(overwriting_exchanges_old_results_for_new_ones),
        cmocka_unit_test(overwriting_nothing_or_an_empty_folder_is_fine),
        cmocka_unit_test(a_folder_that_holds_something_else_is_never_replaced),
        cmocka_unit_test(what_came_into_the_folder_meanwhile_is_never_replaced),
        cmocka_unit_test(what_is_not_a_folder_is_refused),
        cmocka_unit_test(a_path_that_is_empty_too_long_or_leads_nowhere_is_refused),
        cmocka_unit_test(discarding_leaves_nothing_but_what_was_there),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
