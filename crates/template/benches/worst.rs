//! How much time of a processor the worst templates take until a limit ends them:
//! `cargo bench -p seal-template --bench worst [-- NAME]`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures, and is no part of the crate"
)]

#[path = "../tests/worst/mod.rs"]
mod worst;

use std::{env, fs};

use seal_template::{Limits, Template};

/// Nanoseconds that this process has run, whatever else the machine does.
fn time() -> u64 {
    let seen = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let first = seen.split(' ').next().unwrap_or_default();
    first.parse().unwrap_or_default()
}

fn main() {
    // Cargo adds flags of its own.
    let wanted = env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let wanted = wanted.unwrap_or_default();
    let values = worst::values();
    println!("| ms | million steps | ns a step | what | ended by |");
    println!("|---|---|---|---|---|");
    for (name, before, turn) in worst::WORST {
        if !name.contains(&wanted) {
            continue;
        }
        let template = worst::template(before, turn);
        let mut limits = Limits::default();
        let begun = time();
        let ended = Template::parse("item", &template)
            .and_then(|template| template.render(&values, &mut limits));
        let taken = time() - begun;
        let ended = ended.map_or_else(|error| error.problem.to_string(), |_| "itself".to_owned());
        let steps = Limits::default().steps - limits.steps;
        println!(
            "| {} | {:.2} | {} | {name} | {ended} |",
            taken / 1_000_000,
            steps as f64 / 1e6,
            taken / steps.max(1),
        );
    }
}
