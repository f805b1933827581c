//! A parsed template. Every node knows the byte of the template where it stands.
//!
//! Statements lie side by side in a [`Tree`] and name each other by number, so that nothing here is as deep as a template
//! is nested. Pipelines nest as parentheses do, and the parser limits these.

use std::collections::BTreeMap;

use crate::{functions::Function, text::Text};

/// The number of a statement in its tree.
pub(crate) type StatementId = usize;
/// The number of a body in its tree: the statements between two actions.
pub(crate) type BodyId = usize;
/// The number of a variable's name.
pub(crate) type Name = usize;

/// `$`, the values that the template was given.
pub(crate) const DOLLAR: Name = 0;

/// All the statements of a template, and of those that it defines.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) statements: Vec<Statement>,
    pub(crate) bodies: Vec<Vec<StatementId>>,
    /// The templates by their names.
    pub(crate) definitions: BTreeMap<Text, Definition>,
}

/// A template that has a name.
pub(crate) struct Definition {
    pub(crate) body: BodyId,
    /// Whether there is nothing but white space: such a template gives way to another of its name.
    pub(crate) is_empty: bool,
}

/// A statement.
pub(crate) struct Statement {
    pub(crate) offset: usize,
    pub(crate) kind: StatementKind,
}

/// What a statement is.
pub(crate) enum StatementKind {
    /// Text outside of actions: from where to where in the template.
    Text {
        start: usize,
        end: usize,
    },
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        name: Text,
        argument: Option<Pipeline>,
    },
    Break,
    Continue,
}

/// What `if`, `with` and `range` have in common.
pub(crate) struct Branch {
    pub(crate) pipeline: Pipeline,
    pub(crate) body: BodyId,
    pub(crate) otherwise: Option<BodyId>,
}

/// Commands, each of which gets the result of the one before.
pub(crate) struct Pipeline {
    pub(crate) offset: usize,
    /// The variables that get the result.
    pub(crate) variables: Vec<Name>,
    /// Whether they were there before: `=` instead of `:=`.
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
}

/// An operand and its arguments.
pub(crate) struct Command {
    /// Never empty.
    pub(crate) operands: Vec<Operand>,
}

/// What can be an argument.
pub(crate) struct Operand {
    pub(crate) offset: usize,
    pub(crate) kind: OperandKind,
}

/// What an operand is.
pub(crate) enum OperandKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text(Text),
    /// `.a.b`
    Field(Vec<Text>),
    /// `$x.a.b`
    Variable(Name, Vec<Text>),
    Function(&'static Function),
    /// `(...)`
    Pipeline(Box<Pipeline>),
    /// `(...).a.b`, or a function instead of the parentheses
    Chain(Box<Operand>, Vec<Text>),
}

/// A number as written: what it is depends on what is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
    /// Whether it is a float where nothing is asked for: it has a point or an exponent.
    pub(crate) looks_float: bool,
}
