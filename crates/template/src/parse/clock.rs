//! Functions of dates that are certainly given none: they read the clock, whatever the values are.

use super::{Off, OpenKind, Parser};
use crate::{
    functions::{Status, Why, date_argument},
    node::{DOLLAR, Operand, OperandKind, Pipeline},
};

/// What is known of a value before there are any.
enum Known {
    NoDate,
    /// A text of the values that the template is given.
    Text,
    Nothing,
}

impl Parser<'_> {
    pub(super) fn note_clocks(&mut self, pipeline: &Pipeline) {
        let mut piped = None;
        for command in &pipeline.commands {
            let Some((first, arguments)) = command.operands.split_first() else {
                return;
            };
            if let OperandKind::Function(function) = &first.kind
                && function.status == Status::Same
                && let Some(place) = date_argument(function.name)
            {
                // What is piped is the last argument.
                let date = arguments
                    .get(place)
                    .or_else(|| piped.filter(|_| arguments.len() == place));
                let off = Off {
                    function,
                    why: Why::Clock,
                    offset: first.offset,
                };
                match date.map_or(Known::Nothing, |date| self.known(date)) {
                    Known::NoDate => self.off.push(off),
                    Known::Text => self.clocks.push(off),
                    Known::Nothing => {}
                }
            }
            piped = Some(first).filter(|_| arguments.is_empty());
        }
    }

    fn known(&self, operand: &Operand) -> Known {
        match &operand.kind {
            OperandKind::Nil | OperandKind::Bool(_) | OperandKind::Text(_) => Known::NoDate,
            OperandKind::Number(number) if number.looks_float || number.complex.is_some() => {
                Known::NoDate
            }
            OperandKind::Field(_) if self.dot_is_given() => Known::Text,
            OperandKind::Variable(DOLLAR, names) if !names.is_empty() && self.is_outermost() => {
                Known::Text
            }
            OperandKind::Pipeline(inner) => match inner.commands.as_slice() {
                [command] => match command.operands.as_slice() {
                    [only] => self.known(only),
                    _ => Known::Nothing,
                },
                _ => Known::Nothing,
            },
            _ => Known::Nothing,
        }
    }

    /// Whether `.` is what the template is given.
    fn dot_is_given(&self) -> bool {
        self.is_outermost()
            && self.open.iter().all(|open| {
                let changes_dot = matches!(open.kind, OpenKind::With(_) | OpenKind::Range(_));
                !changes_dot || open.before_else.is_some()
            })
    }

    /// Whether this is not in a template that is defined in this one.
    fn is_outermost(&self) -> bool {
        let is_other = |kind: &OpenKind| matches!(kind, OpenKind::Define(..) | OpenKind::Block(..));
        !self.open.iter().any(|open| is_other(&open.kind))
    }
}
