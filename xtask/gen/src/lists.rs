//! What the code declares: reasons, exit codes, flags, environment variables, answers over HTTP, metrics, audit lines, functions of
//! templates.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory};
use seal_api::Reason;
use seal_cli::kubeseal;
use seal_shell::ExitCode;
use seal_template::functions::{self, Status};
use serde_json::{Value, json};

/// The lists in the form that the test run reads.
pub(crate) fn lists() -> Value {
    let programs = [
        ("seal", seal_cli::args::Cli::command()),
        ("seal-controller", seal_controller::Args::command()),
    ];
    let codes = ExitCode::ALL.map(|code| code as u8);
    let mut flags = BTreeMap::new();
    let mut environment: BTreeSet<String> = seal_cli::ENVIRONMENT
        .iter()
        .chain(&seal_cli::CLUSTER_ENVIRONMENT)
        .map(|name| (*name).to_owned())
        .chain(kubeseal::variables())
        .collect();
    for (name, mut command) in programs.clone() {
        command.build();
        let mut of_program = Vec::new();
        add_flags(&command, "", &mut of_program);
        if name == "seal" {
            let flags = kubeseal::FLAGS.iter();
            of_program.extend(flags.map(|flag| format!("kubeseal --{}", flag.name)));
        }
        flags.insert(name, of_program);
        add_environment(&command, &mut environment);
    }
    json!({
        "reasons": Reason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(),
        "exit_codes": programs.map(|(name, _)| (name, codes)).into_iter().collect::<BTreeMap<_, _>>(),
        "flags": flags,
        "environment": environment,
        "http": seal_controller::ANSWERS,
        "functions": template_functions(),
        "audit": audit_lines(),
        "metrics": seal_controller::METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>(),
    })
}

/// Every action of the audit lines with every result.
fn audit_lines() -> Vec<String> {
    let actions = seal_controller::AUDIT.iter();
    let lines = actions.flat_map(|action| {
        let results = action.results.iter();
        results.map(|(result, _)| format!("{} {result}", action.action))
    });
    lines.collect()
}

/// The functions of templates that are there.
fn template_functions() -> Vec<&'static str> {
    functions::all()
        .filter(|function| function.status == Status::Same)
        .map(|function| function.name)
        .collect()
}

/// Every long flag with the subcommands that lead to it: `cert pin --output`. A command that only holds others, such as
/// `cert`, is never run itself.
fn add_flags(command: &Command, path: &str, flags: &mut Vec<String>) {
    let is_run = path.is_empty() || !command.has_subcommands();
    let arguments = command
        .get_arguments()
        .filter(|argument| is_run && !["help", "version"].contains(&argument.get_id().as_str()));
    let long = arguments.filter_map(clap::Arg::get_long);
    flags.extend(long.map(|flag| format!("{path}--{flag}")));
    for subcommand in command.get_subcommands() {
        add_flags(
            subcommand,
            &format!("{path}{} ", subcommand.get_name()),
            flags,
        );
    }
}

fn add_environment(command: &Command, environment: &mut BTreeSet<String>) {
    let names = command
        .get_arguments()
        .filter_map(|argument| argument.get_env()?.to_str());
    environment.extend(names.map(str::to_owned));
    for subcommand in command.get_subcommands() {
        add_environment(subcommand, environment);
    }
}
