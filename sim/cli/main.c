/* main: signals, the command, and whether what was printed arrived. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

/* A handler has no other way to say something. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

int main(int argc, char **argv)
{
    struct sigaction caught = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &caught, NULL);
    sigaction(SIGTERM, &caught, NULL);
    signal(SIGPIPE, SIG_IGN); /* a reader that left is an error like a full disk */
    int status = command_main(argc, argv, &interrupted);
    bool lost = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || lost) && status == COMMAND_DONE) {
        if (errno == EPIPE) { /* as in `servesim list | head`: nobody wants to know */
            return COMMAND_DONE;
        }
        fprintf(stderr, "servesim: cannot write to standard output: %s\n",
                strerror(errno));
        return COMMAND_FAILED;
    }
    return status;
}
