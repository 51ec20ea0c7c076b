// An executor: it answers each task with the task's data in capitals. A task whose data is `wait`
// runs until it is killed.

import driver from "stoa:executor/driver@0.1.0";

// The tasks that wait to be killed. An executor keeps its memory between events.
const waiting = new Set();

// QuickJS has no TextEncoder. An URI is UTF-8, with a %XX for each byte.
function toBytes(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}

function toText(bytes) {
  return decodeURIComponent(Array.from(bytes, (byte) => "%" + byte.toString(16).padStart(2, "0")).join(""));
}

// A refusal says that the task is over for Stoa too: then there is nobody left to tell.
function report(task, state, data = new Uint8Array()) {
  try {
    driver.sendStatusUpdate({ task, state, because: null, message: "", usage: null, data });
  } catch (refusal) {
    driver.log(`${state} of ${task} was refused: ${JSON.stringify(refusal)}`);
  }
}

// Events come one at a time. An error that leaves one ends the executor and its tasks.
export const events = {
  registered(info) {
    driver.log(`${info.id} is here`);
  },

  reregistered(info) {},

  launchTask(task) {
    let text;
    try {
      text = toText(task.data);
    } catch {
      // What launchTask throws refuses the task.
      throw "its data is no text";
    }
    if (text === "") {
      throw "it has no data: there is nothing to say";
    }
    report(task.id, "running");
    if (text === "wait") {
      waiting.add(task.id);
    } else {
      report(task.id, "finished", toBytes(text.toUpperCase()));
    }
  },

  killTask(task, policy) {
    if (waiting.delete(task)) {
      report(task, "killed");
    }
  },

  message(data) {
    try {
      driver.sendMessage(toBytes(`${waiting.size} waiting, heard ${toText(data)}`));
    } catch (refusal) {
      driver.log(`no answer was sent: ${refusal instanceof Error ? refusal : JSON.stringify(refusal)}`);
    }
  },

  acknowledged(task) {},

  subtaskExited(task, subtask, why, usage) {},

  subtaskOutput(task, subtask, isStderr, data) {},

  tick() {},

  shutdown(graceMs) {
    for (const task of waiting) {
      report(task, "killed");
    }
    waiting.clear();
    driver.stop();
  },
};
