// An executor: it answers each task with the task's data in capitals. A task whose data is `wait`
// runs until it is killed.
//
// What an event is handed belongs to it, and is given back with the `_free` of its type. What a call
// is handed stays the caller's. What prints, or asks for the time, would import WASI: this does not.

#include <stdlib.h>
#include <string.h>

#include "bindings/executor.h"

// A task that waits to be killed. An executor keeps its memory between events.
struct waiting {
    struct waiting *next;
    executor_string_t task;
};

static struct waiting *first_waiting;

static bool is_same(executor_string_t one, executor_string_t other) {
    return one.len == other.len && memcmp(one.ptr, other.ptr, one.len) == 0;
}

// Short: a longer line is cut.
static void log_line(const char *start, executor_string_t rest) {
    char line[256];
    executor_string_t said = {.ptr = (uint8_t *)line};
    size_t start_len = strlen(start);
    size_t rest_len = rest.len < sizeof line - start_len ? rest.len : sizeof line - start_len;
    memcpy(line, start, start_len);
    memcpy(line + start_len, rest.ptr, rest_len);
    said.len = start_len + rest_len;
    stoa_executor_driver_log(&said);
}

// A refusal says that the task is over for Stoa too: then there is nobody left to tell.
static void report(
    executor_string_t task, stoa_executor_types_task_state_t state, executor_list_u8_t data
) {
    stoa_executor_driver_task_status_t status = {.task = task, .state = state, .data = data};
    stoa_executor_driver_refusal_t refusal;
    if (!stoa_executor_driver_send_status_update(&status, &refusal)) {
        log_line("refused: a status of ", task);
        stoa_executor_driver_refusal_free(&refusal);
    }
}

static const executor_list_u8_t no_data;

void exports_stoa_executor_events_registered(exports_stoa_executor_events_executor_info_t *info) {
    log_line("here is ", info->id);
    exports_stoa_executor_events_executor_info_free(info);
}

void exports_stoa_executor_events_reregistered(exports_stoa_executor_events_executor_info_t *info) {
    exports_stoa_executor_events_executor_info_free(info);
}

// False refuses the task, with `err` for people.
bool exports_stoa_executor_events_launch_task(
    exports_stoa_executor_events_task_info_t *task, executor_string_t *err
) {
    executor_list_u8_t data = task->data;
    if (data.len == 0) {
        executor_string_dup(err, "it has no data: there is nothing to say");
        exports_stoa_executor_events_task_info_free(task);
        return false;
    }
    report(task->id, STOA_EXECUTOR_TYPES_TASK_STATE_RUNNING, no_data);
    if (data.len == 4 && memcmp(data.ptr, "wait", 4) == 0) {
        struct waiting *waiting = malloc(sizeof *waiting);
        if (waiting == NULL) {
            abort();
        }
        *waiting = (struct waiting){.next = first_waiting};
        executor_string_dup_n(&waiting->task, (const char *)task->id.ptr, task->id.len);
        first_waiting = waiting;
    } else {
        for (size_t i = 0; i < data.len; i++) {
            if (data.ptr[i] >= 'a' && data.ptr[i] <= 'z') {
                data.ptr[i] -= 'a' - 'A';
            }
        }
        report(task->id, STOA_EXECUTOR_TYPES_TASK_STATE_FINISHED, data);
    }
    exports_stoa_executor_events_task_info_free(task);
    return true;
}

// Reports as KILLED the task that `at` holds, and removes it.
static void end_waiting(struct waiting **at) {
    struct waiting *over = *at;
    *at = over->next;
    report(over->task, STOA_EXECUTOR_TYPES_TASK_STATE_KILLED, no_data);
    executor_string_free(&over->task);
    free(over);
}

void exports_stoa_executor_events_kill_task(
    exports_stoa_executor_events_task_id_t *task, exports_stoa_executor_events_kill_policy_t *policy
) {
    (void)policy;
    for (struct waiting **at = &first_waiting; *at != NULL; at = &(*at)->next) {
        if (is_same((*at)->task, *task)) {
            end_waiting(at);
            break;
        }
    }
    exports_stoa_executor_events_task_id_free(task);
}

// Writes the number, and answers how long it is: 20 bytes at most.
static size_t write_number(uint8_t *to, uint64_t number) {
    uint8_t digits[20];
    size_t len = 0;
    do {
        digits[len++] = '0' + number % 10;
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < len; i++) {
        to[i] = digits[len - 1 - i];
    }
    return len;
}

void exports_stoa_executor_events_message(executor_list_u8_t *data) {
    static const char middle[] = " waiting, heard ";
    uint64_t count = 0;
    for (struct waiting *at = first_waiting; at != NULL; at = at->next) {
        count++;
    }
    executor_list_u8_t answer = {.ptr = malloc(20 + strlen(middle) + data->len)};
    if (answer.ptr == NULL) {
        abort();
    }
    answer.len = write_number(answer.ptr, count);
    memcpy(answer.ptr + answer.len, middle, strlen(middle));
    answer.len += strlen(middle);
    memcpy(answer.ptr + answer.len, data->ptr, data->len);
    answer.len += data->len;
    stoa_executor_driver_refusal_t refusal;
    if (!stoa_executor_driver_send_message(&answer, &refusal)) {
        log_line("refused: an answer", (executor_string_t){0});
        stoa_executor_driver_refusal_free(&refusal);
    }
    free(answer.ptr);
    executor_list_u8_free(data);
}

void exports_stoa_executor_events_acknowledged(exports_stoa_executor_events_task_id_t *task) {
    exports_stoa_executor_events_task_id_free(task);
}

void exports_stoa_executor_events_subtask_exited(
    exports_stoa_executor_events_task_id_t *maybe_task,
    uint64_t subtask,
    exports_stoa_executor_events_reason_t *why,
    exports_stoa_executor_events_usage_t *usage
) {
    (void)subtask;
    (void)usage;
    if (maybe_task != NULL) {
        exports_stoa_executor_events_task_id_free(maybe_task);
    }
    exports_stoa_executor_events_reason_free(why);
}

void exports_stoa_executor_events_subtask_output(
    exports_stoa_executor_events_task_id_t *maybe_task,
    uint64_t subtask,
    bool is_stderr,
    executor_list_u8_t *data
) {
    (void)subtask;
    (void)is_stderr;
    if (maybe_task != NULL) {
        exports_stoa_executor_events_task_id_free(maybe_task);
    }
    executor_list_u8_free(data);
}

void exports_stoa_executor_events_tick(void) {
}

void exports_stoa_executor_events_shutdown(uint64_t grace_ms) {
    (void)grace_ms;
    while (first_waiting != NULL) {
        end_waiting(&first_waiting);
    }
    stoa_executor_driver_stop();
}
