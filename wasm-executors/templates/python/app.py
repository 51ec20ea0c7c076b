"""An executor: it answers each task with the task's data in capitals. A task whose data is `wait`
runs until it is killed."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.events import ExecutorInfo
from wit_world.imports import driver
from wit_world.imports.types import KillPolicy, Reason, TaskInfo, TaskState, TaskStatus, Usage

# The tasks that wait to be killed. An executor keeps its memory between events.
waiting: set[str] = set()


def report(task: str, state: TaskState, data: bytes = b"") -> None:
    """A refusal says that the task is over for Stoa too: then there is nobody left to tell."""
    status = TaskStatus(task=task, state=state, because=None, message="", usage=None, data=data)
    try:
        driver.send_status_update(status)
    except Err as refusal:
        driver.log(f"{state.name} of {task} was refused: {refusal.value}")


class Events(exports.Events):
    """Events come one at a time. An exception that leaves one ends the executor and its tasks."""

    def registered(self, info: ExecutorInfo) -> None:
        driver.log(f"{info.id} is here")

    def reregistered(self, info: ExecutorInfo) -> None:
        pass

    def launch_task(self, task: TaskInfo) -> None:
        try:
            text = task.data.decode()
        except UnicodeDecodeError:
            raise Err("its data is no text")
        if not text:
            raise Err("it has no data: there is nothing to say")
        report(task.id, TaskState.RUNNING)
        if text == "wait":
            waiting.add(task.id)
        else:
            report(task.id, TaskState.FINISHED, text.upper().encode())

    def kill_task(self, task: str, policy: KillPolicy) -> None:
        if task in waiting:
            waiting.remove(task)
            report(task, TaskState.KILLED)

    def message(self, data: bytes) -> None:
        heard = data.decode(errors="replace")
        answer = f"{len(waiting)} waiting, heard {heard}"
        try:
            driver.send_message(answer.encode())
        except Err as refusal:
            driver.log(f"no answer was sent: {refusal.value}")

    def acknowledged(self, task: str) -> None:
        pass

    def subtask_exited(self, task: str | None, subtask: int, why: Reason, usage: Usage) -> None:
        pass

    def subtask_output(self, task: str | None, subtask: int, is_stderr: bool, data: bytes) -> None:
        pass

    def tick(self) -> None:
        pass

    def shutdown(self, grace_ms: int) -> None:
        for task in sorted(waiting):
            report(task, TaskState.KILLED)
        waiting.clear()
        driver.stop()
