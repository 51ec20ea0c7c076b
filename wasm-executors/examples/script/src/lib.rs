//! The `script` executor: it keeps a script and its state warm, and answers each task with a call
//! of one of the script's functions. It starts no programs.
//!
//! - The data of its ExecutorInfo is the script, in [Rhai](https://rhai.rs). It is compiled and run
//!   once; the value of its last expression is its state, which its functions know as `this`.
//! - The data of a task is a call, `{"call": "add", "arguments": [1, 2]}`. The task is FINISHED
//!   with what the function returns as its data, in JSON, or FAILED with line and column of what is
//!   wrong. Data that is no call refuses the task.
//! - A Message is a new script. It is answered by a Message, `{"ok": [names of the functions]}` or
//!   `{"error": {"message": …, "line": …, "column": …}}`; the old script stays if the new one is
//!   wrong.
//!
//! What a script may use is in `limits.rs`: a call that exceeds it fails, and the others do not
//! notice. Two things end the executor itself, which is its framework's own: a script that uses up
//! its memory, and one that puts values into each other many hundreds deep, for which the
//! interpreter has no bound but its stack.

mod json;
mod limits;
mod script;

use rhai::Dynamic;
use serde_json::{Value, json};
use stoa_executor::{Executor, ExecutorInfo, KillPolicy, TaskInfo, driver};

use crate::script::{Interpreter, Script, ScriptError};

struct Scripts {
    interpreter: Interpreter,
    /// The script that is set, or why there is none.
    script: Result<Script, ScriptError>,
}

/// What the data of a task asks for.
struct Call {
    name: String,
    arguments: Vec<Dynamic>,
}

impl Executor for Scripts {
    fn registered(info: ExecutorInfo) -> Self {
        let interpreter = Interpreter::new();
        let script = interpreter.set(&info.data);
        if let Err(error) = &script {
            driver::log(&format!("the script of the ExecutorInfo is wrong: {error}"));
        }
        Self { interpreter, script }
    }

    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
        let call = read_call(&task.data)?;
        // A call is over before anything else could be said of its task: it is never RUNNING.
        match self.answer(call) {
            Ok(answer) => driver::finished(&task.id, answer.to_string().into_bytes())?,
            Err(error) => driver::failed(&task.id, error.to_string())?,
        }
        Ok(())
    }

    fn kill_task(&mut self, _task: &str, _policy: KillPolicy) {
        // Every task is over before this event could come.
    }

    fn message(&mut self, data: Vec<u8>) {
        let answer = match self.interpreter.set(&data) {
            Ok(script) => {
                let functions = script.functions();
                self.script = Ok(script);
                json!({ "ok": functions })
            }
            Err(ScriptError { message, place }) => {
                let (line, column) = place.unzip();
                json!({ "error": { "message": message, "line": line, "column": column } })
            }
        };
        if let Err(refusal) = driver::send_message(answer.to_string().as_bytes()) {
            driver::log(&format!("the answer to a script was refused: {refusal}"));
        }
    }
}

impl Scripts {
    fn answer(&mut self, call: Call) -> Result<Value, ScriptError> {
        let script = self.script.as_mut().map_err(|error| error.clone())?;
        let answer = self.interpreter.call(script, &call.name, call.arguments)?;
        json::from_script(&answer).map_err(ScriptError::new)
    }
}

/// Reads `{"call": NAME, "arguments": […]}`; without arguments there are none.
fn read_call(data: &[u8]) -> Result<Call, String> {
    const CALL: &str = r#"{"call": "add", "arguments": [1, 2]}"#;
    let no_call = |why: &str| format!("the task's data is no call, {why}; such as {CALL} is");
    let value: Value =
        serde_json::from_slice(data).map_err(|error| no_call(&format!("no JSON: {error}")))?;
    let Value::Object(mut members) = value else { return Err(no_call("no object")) };
    let Some(Value::String(name)) = members.remove("call") else {
        return Err(no_call("its \"call\" is no name"));
    };
    let arguments = match members.remove("arguments") {
        None => Vec::new(),
        Some(Value::Array(arguments)) => arguments,
        Some(_) => return Err(no_call("its \"arguments\" are no array")),
    };
    if let Some(member) = members.keys().next() {
        return Err(no_call(&format!("it has an unknown {member:?}")));
    }
    let arguments = arguments.into_iter().map(json::to_script).collect::<Result<_, _>>()?;
    Ok(Call { name, arguments })
}

stoa_executor::export!(Scripts);

#[cfg(test)]
mod tests;
