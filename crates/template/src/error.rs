//! What can be wrong with a template. No error holds a value, or text that was made at run time.

use std::fmt;

use thiserror::Error;

/// Where in a template: both count from one, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
    /// How many bytes of the template come before it.
    pub offset: usize,
}

impl Position {
    /// Where a byte of a text is.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[start..].chars().count(),
            offset,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// Why a template cannot be parsed or rendered: the place, the function if there is one, and the problem.
///
/// What it says is made of fixed words and of names that stand in the template; never of values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Error {
    /// The place in the template.
    pub position: Position,
    /// The function that was called, by its name in the template.
    pub function: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.position)?;
        if let Some(function) = &self.function {
            write!(formatter, "{function}: ")?;
        }
        self.problem.fmt(formatter)
    }
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not in the language.
    #[error("{0}")]
    Syntax(&'static str),
    /// There is no such function.
    #[error("there is no such function")]
    UnknownFunction,
    /// The function reads the clock, is random, makes keys or is costly, and is not allowed here.
    #[error("the function is not available: {0}")]
    FunctionOff(crate::functions::Why),
    /// A variable that is not declared there.
    #[error("the variable is not declared here")]
    UnknownVariable,
    /// A template that is not defined.
    #[error("there is no template of this name")]
    UnknownTemplate,
    /// What stands there cannot be evaluated with the values given.
    #[error("{0}")]
    Evaluation(&'static str),
    /// What would be shown is an address, which nobody can know.
    #[error("it would show where something lies in memory")]
    Address,
    /// The function refused its arguments.
    #[error("the function refuses its arguments")]
    Refused,
    /// The template itself says that it failed.
    #[error("the template gave up")]
    Failed,
    /// Rendering takes too many steps.
    #[error("rendering takes too many steps (more than {0})")]
    Steps(u64),
    /// Templates call each other too deeply, parentheses or values are nested too deeply.
    #[error("{what} are nested too deeply (more than {limit})")]
    Depth {
        /// What is nested.
        what: &'static str,
        /// How deeply it may be.
        limit: usize,
    },
    /// The result is too long.
    #[error("the result is longer than {0} bytes")]
    Output(usize),
    /// Rendering makes too much text on the way.
    #[error("rendering needs too much memory (more than {0} bytes)")]
    Memory(usize),
}

/// Why a function cannot give a result. Where it was called is added by the evaluator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It refuses its arguments, as it does in Go.
    Refused,
    /// The template called `fail`.
    Failed,
    /// Anything else.
    Other(Problem),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused => Self::Refused,
            Fault::Failed => Self::Failed,
            Fault::Other(problem) => problem,
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}
