//! One process run and what it cost: CPU time, peak memory and wall time, as the kernel accounts for it.

use std::{
    fs::File,
    path::Path,
    process::{ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

/// What a run cost, or the median of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// The most memory that was resident, in bytes. A process starts as a copy of this one, so this one's size is the
    /// least that can be seen.
    pub(super) memory: u64,
    /// From start to end.
    pub(super) wall: Duration,
}

/// Runs a command with a file as standard input; its output is thrown away.
pub(super) fn run(command: &mut Command, input: &Path) -> Result<Cost> {
    Ok(run_writing(command, input, Stdio::null())?.0)
}

/// The same, for a command that says little enough for a pipe.
pub(super) fn run_saying(command: &mut Command, input: &Path) -> Result<(Cost, String)> {
    let (cost, said) = run_writing(command, input, Stdio::piped())?;
    let said = said.context("standard output is a pipe")?;
    let said = std::io::read_to_string(said).context("cannot read standard output")?;
    Ok((cost, said))
}

fn run_writing(
    command: &mut Command,
    input: &Path,
    output: Stdio,
) -> Result<(Cost, Option<ChildStdout>)> {
    let input = File::open(input).with_context(|| format!("cannot open {}", input.display()))?;
    command.stdin(input).stdout(output).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    let messages = child.stderr.take().context("standard error is a pipe")?;
    let messages = std::io::read_to_string(messages).context("cannot read standard error")?;
    let said = child.stdout.take();
    let ended = child.wait4().context("cannot wait for a child")?;
    let wall = begun.elapsed();
    if !ended.status.success() {
        bail!("{command:?} failed: {messages}");
    }
    let usage = ended.rusage;
    let cost = Cost {
        cpu: usage.utime + usage.stime,
        memory: usage.maxrss,
        wall,
    };
    Ok((cost, said))
}

/// The medians, each for itself.
pub(super) fn median(costs: &[Cost]) -> Cost {
    Cost {
        cpu: middle(costs.iter().map(|cost| cost.cpu)),
        memory: middle(costs.iter().map(|cost| cost.memory)),
        wall: middle(costs.iter().map(|cost| cost.wall)),
    }
}

/// The middle value; of an even number the upper one of the two.
pub(super) fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_no_outlier() {
        assert_eq!(middle([9, 1, 2].into_iter()), 2);
        assert_eq!(middle([5].into_iter()), 5);
    }

    #[test]
    fn a_process_costs_something_and_a_failed_one_is_an_error() {
        let cost = run(&mut Command::new("true"), Path::new("/dev/null")).unwrap();
        assert!(cost.memory > 0 && cost.wall > Duration::ZERO);
        assert!(run(&mut Command::new("false"), Path::new("/dev/null")).is_err());
    }
}
