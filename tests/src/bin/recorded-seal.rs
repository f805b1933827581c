//! Stands in for `seal` where others call it, in transcripts and in the Go project's integration tests: runs the real program
//! and records what was seen, so that these runs count too. Called by the name `kubeseal`, it passes that name on.

use std::{
    env,
    error::Error,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use seal_tests::{
    programs::Program,
    seen::{self, Invocation},
    transcripts::INHERITED,
};

const KUBESEAL: &str = "kubeseal";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments: Vec<_> = env::args_os().skip(1).collect();
    let mut command = Command::new(Program::Seal.path());
    command.args(&arguments).stdin(Stdio::inherit()).env_clear();
    let called = env::args_os().next().unwrap_or_default();
    let is_kubeseal = Path::new(&called)
        .file_name()
        .is_some_and(|name| name == KUBESEAL);
    if is_kubeseal {
        command.arg0(KUBESEAL);
    }
    let inherited = env::var(INHERITED)?;
    let declared: Vec<_> = env::vars_os()
        .filter(|(name, _)| !inherited.split(',').any(|known| name == known))
        .collect();
    let output = command
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .envs(declared.iter().map(|(name, value)| (name, value)))
        .output()?;
    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;

    if is_kubeseal {
        // As `seal kubeseal ...`, which is the same.
        arguments.insert(0, KUBESEAL.into());
    }
    let names = declared.iter().map(|(name, _)| name.as_os_str());
    let mut reasons = seen::reasons_in(&output.stdout);
    reasons.extend(seen::reasons_in(&output.stderr));
    let invocation = Invocation::new(Program::Seal.name(), &arguments, names);
    seen::record(&invocation, output.status.code(), &reasons);
    let code = output
        .status
        .code()
        .and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
