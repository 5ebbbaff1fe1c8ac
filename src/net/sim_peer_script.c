/*
 * sim_peer_script.c: a model peer that follows a list of steps on each of its connections.
 *
 * A step either is over at once, or waits for its socket or for a time; the talk's step looks again
 * whenever one of them may have come. What the steps ask for and does not happen fails the talk,
 * which is for the network's faults to explain: only wrong bytes would be a violation, and a script
 * judges no bytes but those it expects. Under the world's lock.
 */
#include <errno.h>
#include <string.h>
#include "net/sim_peerp.h"

enum progress { OVER, WAITS, BROKEN };

/* Goes to the next step with nothing of it done. */
static void advance(struct sim_talk *t)
{
    t->at++;
    t->done = 0;
    t->until_ns = 0;
}

static enum progress after_read(int64_t n)
{
    return n == -EAGAIN ? WAITS : BROKEN;
}

/* Reads byte by byte, so that what follows the text is left for the next step. */
static enum progress expect_text(struct sim_talk *t, const char *text)
{
    size_t length = strlen(text);
    uint8_t byte;

    while (t->done < length) {
        int64_t n = sim_talk_read(t, &byte, 1);
        if (n <= 0)
            return after_read(n);
        /* the longest beginning of the text that the bytes read so far end with */
        while (t->done > 0 && (uint8_t)text[t->done] != byte) {
            size_t shorter = t->done - 1;
            while (shorter > 0 && (memcmp(text, text + t->done - shorter, shorter) != 0))
                shorter--;
            t->done = shorter;
        }
        if ((uint8_t)text[t->done] == byte)
            t->done++;
    }
    return OVER;
}

static enum progress expect_bytes(struct sim_talk *t, uint64_t bytes)
{
    while (t->done < bytes) {
        uint64_t left = bytes - t->done;
        int64_t n =
            sim_talk_read(t, t->hold, left < sizeof(t->hold) ? (size_t)left : sizeof(t->hold));
        if (n <= 0)
            return after_read(n);
        t->done += (size_t)n;
    }
    return OVER;
}

static enum progress expect_end(struct sim_talk *t)
{
    int64_t n;

    do
        n = sim_talk_read(t, t->hold, sizeof(t->hold));
    while (n > 0);
    return n == 0 ? OVER : after_read(n);
}

static enum progress after_write(int result)
{
    return result > 0 ? OVER : result == 0 ? WAITS : BROKEN;
}

static enum progress send_pattern(struct sim_talk *t, uint64_t bytes)
{
    enum progress result = OVER;

    while (t->done < bytes && result == OVER) {
        uint64_t left = bytes - t->done;
        size_t n = left < sizeof(t->hold) ? (size_t)left : sizeof(t->hold), written = 0;

        for (size_t i = 0; i < n; i++)
            t->hold[i] = sim_pattern(t->done + i, t->stream);
        result = after_write(sim_talk_write(t, t->hold, n, &written));
        t->done += written;
    }
    return result;
}

static enum progress wait_for(struct sim_talk *t, int64_t ns)
{
    if (!t->until_ns)
        t->until_ns = host_now() + ns;
    if (host_now() >= t->until_ns)
        return OVER;
    sim_event_cancel(t->peer->world, &t->step);
    sim_event_at(t->peer->world, &t->step, t->until_ns, sim_talk_step);
    return WAITS;
}

static enum progress take_step(struct sim_talk *t, const struct sim_peer_step *s)
{
    switch (s->kind) {
    case SIM_STEP_EXPECT:
        return s->text ? expect_text(t, s->text) : expect_bytes(t, s->bytes);
    case SIM_STEP_SEND:
        return s->text ? after_write(
                             sim_talk_write(t, (const uint8_t *)s->text, strlen(s->text), &t->done))
                       : send_pattern(t, s->bytes);
    case SIM_STEP_WAIT:
        return wait_for(t, s->wait_ns);
    case SIM_STEP_FIN:
        sim_talk_fin(t);
        return OVER;
    default: /* SIM_STEP_END; a reset has no progress */
        return expect_end(t);
    }
}

bool sim_talk_script(struct sim_talk *t)
{
    const struct sim_peer_params *params = &t->peer->params;

    while (t->at < params->step_count) {
        const struct sim_peer_step *s = &params->steps[t->at];
        if (s->kind == SIM_STEP_RESET)
            return sim_talk_end(t, true, true);
        enum progress result = take_step(t, s);
        if (result == BROKEN)
            return sim_talk_end(t, false, true);
        if (result == WAITS)
            return true;
        advance(t);
    }
    return sim_talk_end(t, true, false);
}
