#include "base/parallel.h"

#include <pthread.h>

#include "base/check.h"

/* The indexes are taken one by one by whoever is free. */
struct queue {
    bool (*visit)(void *state, int32_t i);
    void *state;
    int32_t n;
    int32_t next;
    pthread_mutex_t lock;
};

static void *take(void *shared)
{
    struct queue *queue = shared;
    CHECK(pthread_mutex_lock(&queue->lock) == 0);
    while (queue->next < queue->n) {
        int32_t i = queue->next++;
        CHECK(pthread_mutex_unlock(&queue->lock) == 0);
        bool goes_on = queue->visit(queue->state, i);
        CHECK(pthread_mutex_lock(&queue->lock) == 0);
        if (!goes_on) {
            queue->next = queue->n;
        }
    }
    CHECK(pthread_mutex_unlock(&queue->lock) == 0);
    return NULL;
}

void parallel_each(int32_t n, int32_t n_threads, bool (*visit)(void *state, int32_t i),
                   void *state)
{
    pthread_t threads[PARALLEL_MOST];
    struct queue queue = {.visit = visit, .state = state, .n = n};
    CHECK(pthread_mutex_init(&queue.lock, NULL) == 0);
    int32_t n_wanted = n_threads < PARALLEL_MOST ? n_threads : PARALLEL_MOST;
    if (n_wanted > n) {
        n_wanted = n;
    }
    int32_t n_started = 0;
    while (n_started < n_wanted - 1 &&
           pthread_create(&threads[n_started], NULL, take, &queue) == 0) {
        n_started++;
    }
    take(&queue); /* this thread, too: it works with no others */
    for (int32_t i = 0; i < n_started; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    pthread_mutex_destroy(&queue.lock);
}
