//! The `stoa` binary: all roles in one. It reads the command line, starts what is asked for, and
//! turns how that ended into an exit code.

mod backup;
mod bench;
mod cluster;
mod config;
mod daemon;
mod events;
mod executor;
mod failure;
mod inspect;
mod lists;
mod local;
mod logs;
mod masters;
mod new;
mod orders;
mod output_file;
mod progress;
mod run;
mod shipped;
mod sim;
mod table;
mod view;
mod wasm_file;

use std::io::IsTerminal;
use std::process::ExitCode;

use config::{Agent, Bench, Command, MasterOrder, Misuse, Output};
use failure::{Failure, code};

fn main() -> ExitCode {
    let arguments = match config::parse() {
        Ok(arguments) => arguments,
        Err(misuse) => return misused(&misuse),
    };
    start_log(&arguments.command);
    let output = arguments.output.format();
    // One thread for the whole control plane: messages then pass without waking another one, which
    // costs more than they do. Source: feasibility measurements, four to six times less latency.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(execute(arguments.command, output));
            // What is still read or written on other threads need not be waited for.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::new(code::FAILURE, format!("cannot start: {error}"))),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            report(&failure, output);
            ExitCode::from(failure.code)
        }
    }
}

async fn execute(command: Command, output: Output) -> Result<u8, Failure> {
    let done = match command {
        Command::Run(arguments) => return run::run(*arguments, output).await,
        Command::Dev(arguments) => daemon::dev(arguments, output).await,
        Command::Master(arguments) => match (arguments.order, arguments.run) {
            (None, run) => daemon::master(run, output).await,
            (Some(MasterOrder::Backup(arguments)), _) => backup::save(arguments, output).await,
            (Some(MasterOrder::Restore(arguments)), _) => backup::restore(&arguments, output),
            (Some(MasterOrder::Status(at)), _) => masters::status(at, output).await,
            (Some(MasterOrder::StepDown(at)), _) => masters::step_down(at, output).await,
        },
        Command::Agent(Agent { order: Some(order), .. }) => orders::order(order, output).await,
        Command::Agent(Agent { order: None, run }) => daemon::agent(run, output).await,
        Command::Ps(arguments) => lists::ps(arguments, output).await,
        Command::Logs(arguments) => logs::logs(arguments, output).await,
        Command::Kill(arguments) => lists::kill(arguments, output).await,
        Command::Pause(arguments) => lists::set_paused(arguments, true, output).await,
        Command::Resume(arguments) => lists::set_paused(arguments, false, output).await,
        Command::Agents(at) => lists::agents(at, output).await,
        Command::Frameworks(at) => lists::frameworks(at, output).await,
        Command::Offers(at) => lists::offers(at, output).await,
        Command::Events(arguments) => events::events(arguments, output).await,
        Command::Describe(arguments) => lists::describe(arguments, output).await,
        Command::Inspect(arguments) => inspect::inspect(&arguments, output),
        Command::Executor(command) => executor::executor(command, output).await,
        Command::New(command) => new::new(&command, output),
        Command::Sim(arguments) => return sim::sim(&arguments, output),
        Command::Bench(Bench::Launch(arguments)) => bench::launch(arguments, output).await,
        Command::Bench(Bench::Map(arguments)) => bench::map::map(arguments, output).await,
        Command::Bench(Bench::Kill(arguments)) => bench::kill::kill(arguments, output).await,
        Command::Bench(Bench::Density(arguments)) => {
            bench::density::density(arguments, output).await
        }
        Command::Host(arguments) => daemon::host(arguments).await,
        Command::Completions { shell } => {
            config::print_completions(shell);
            Ok(())
        }
    };
    done.map(|()| 0)
}

/// Flags that make no sense. `run` promises 125 for whatever fails before the task.
fn misused(misuse: &Misuse) -> ExitCode {
    match misuse {
        Misuse::HelpWanted(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Misuse::Illegal { text, command } => {
            let help = command.as_ref().map_or_else(String::new, |command| format!("{command} "));
            eprintln!("{text}\nhint: `stoa {help}--help` says what is allowed");
            let is_run = command.as_ref().is_some_and(|command| command == "run");
            ExitCode::from(if is_run { code::CLUSTER } else { code::USAGE })
        }
    }
}

fn report(failure: &Failure, output: Output) {
    if failure.message.is_empty() {
        return;
    }
    match output {
        Output::Table => eprintln!("{failure}"),
        Output::Json => eprintln!(
            "{}",
            serde_json::json!({
                "error": failure.message, "hint": failure.hint, "exit_code": failure.code,
            })
        ),
    }
}

/// Log lines go to standard error; those who run a process for long see more than those who ask.
fn start_log(command: &Command) {
    let level = match command {
        Command::Agent(Agent { order: None, .. }) | Command::Dev(_) => "info",
        Command::Master(arguments) if arguments.order.is_none() => "info",
        _ => "warn",
    };
    let filter = tracing_subscriber::EnvFilter::new(config::log_filter(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
