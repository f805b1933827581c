//! How much rendering may take: in operations and bytes, never in seconds, so that a template that renders once renders
//! always.

use crate::error::Problem;

/// The limits of one rendering, or of several that share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Operations: nodes evaluated, turns of loops, elements that functions look at.
    pub steps: u64,
    /// Templates that call templates.
    pub calls: usize,
    /// Bytes of the result.
    pub output: usize,
    /// Bytes of all texts, lists and dictionaries that are made on the way, together.
    pub memory: usize,
    /// Lists and dictionaries within each other, where they are printed, compared, copied or converted.
    pub value_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 10_000_000,
            calls: 1_000,
            output: 1 << 20,
            memory: 64 << 20,
            value_depth: 200,
        }
    }
}

/// What a rendering has taken so far.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    limits: Limits,
    steps: u64,
    memory: usize,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            steps: 0,
            memory: 0,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts operations.
    pub(crate) fn steps(&mut self, count: usize) -> Result<(), Problem> {
        self.steps = self.steps.saturating_add(count as u64);
        if self.steps > self.limits.steps {
            return Err(Problem::Steps(self.limits.steps));
        }
        Ok(())
    }

    /// How many operations may still be made.
    pub(crate) fn remaining_steps(&self) -> u64 {
        self.limits.steps.saturating_sub(self.steps)
    }

    /// Counts bytes that are about to be made.
    pub(crate) fn memory(&mut self, bytes: usize) -> Result<(), Problem> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > self.limits.memory {
            return Err(Problem::Memory(self.limits.memory));
        }
        Ok(())
    }

    /// How many bytes may still be made.
    pub(crate) fn remaining_memory(&self) -> usize {
        self.limits.memory.saturating_sub(self.memory)
    }

    pub(crate) fn too_deep(&self) -> Problem {
        Problem::Depth {
            what: "values",
            limit: self.limits.value_depth,
        }
    }
}
