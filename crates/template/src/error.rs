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
        let start = Self {
            line: 1,
            column: 1,
            offset: 0,
        };
        start.later(text, offset)
    }

    /// Where a byte behind this one is: many of them are found in one pass.
    pub(crate) fn later(self, text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let between = text.get(self.offset..offset).unwrap_or_default();
        let column = match between.rfind('\n') {
            Some(newline) => 1 + between[newline + 1..].chars().count(),
            None => self.column + between.chars().count(),
        };
        Self {
            line: self.line + between.matches('\n').count(),
            column,
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

impl Error {
    /// The line of the template `source` where it is wrong, for people who wrote it: with its number, and a mark below. Long
    /// lines are cut; characters that steer a terminal are shown as `?`.
    pub fn excerpt(&self, source: &str) -> String {
        const MOST: usize = 100;
        let Position { line, column, .. } = self.position;
        let text = source.split('\n').nth(line - 1).unwrap_or_default();
        let from = column.saturating_sub(MOST / 2);
        let shown = text.trim_end_matches('\r').chars().skip(from).take(MOST);
        let shown: String = shown
            .map(|c| match c {
                '\t' => ' ',
                c if c.is_control() => '?',
                c => c,
            })
            .collect();
        let number = line.to_string();
        let space = " ".repeat(number.len());
        let mark = " ".repeat((column - 1).saturating_sub(from));
        format!("{number} | {shown}\n{space} | {mark}^")
    }
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

#[cfg(test)]
mod tests {
    use crate::Template;

    #[test]
    fn an_excerpt_shows_the_line_and_marks_the_place() {
        let source = "user: x\n\tport: {{ .port | nosuch }}\r\nend\n";
        let error = Template::parse("t", source).err().expect("it is wrong");
        assert_eq!(error.to_string(), "2:19: nosuch: there is no such function");
        let expected = "2 |  port: {{ .port | nosuch }}\n  |                   ^";
        assert_eq!(error.excerpt(source), expected);
    }

    #[test]
    fn an_excerpt_of_a_long_line_is_cut_around_the_place_and_cannot_steer_a_terminal() {
        let source = format!(
            "{}\u{1b}[2J{{{{ nosuch }}}}{}",
            "x".repeat(300),
            "y".repeat(300)
        );
        let error = Template::parse("t", &source).err().expect("it is wrong");
        let excerpt = error.excerpt(&source);
        let (line, mark) = excerpt.split_once('\n').expect("it has two lines");
        assert!(
            line.len() < 120 && line.contains("?[2J{{ nosuch }}yy"),
            "{line}"
        );
        assert_eq!(line.find("nosuch"), mark.find('^'));
    }
}
