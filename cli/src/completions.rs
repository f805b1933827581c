//! `seal completions`.

use clap::CommandFactory;

use crate::{
    args::{Cli, CompletionsArgs},
    output,
    problem::Problem,
};

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "seal", &mut script);
    output::print(&script)
}
