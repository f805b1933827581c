//! Pipelines, commands and operands.

use super::{Machine, Result, evaluation, wrong};
use crate::{
    compare::COMPARED_A_STEP,
    error::Problem,
    node::{Command, Number, Operand, OperandKind, Pipeline},
    text::Text,
    value::Value,
};

const NOT_A_FUNCTION: &str = "arguments for something that is not a function";

impl<'a> Machine<'a> {
    /// The value of a pipeline; its variables get it too. Go's `nil` comes out as no value.
    pub(super) fn pipeline(&mut self, dot: &Value, pipeline: &'a Pipeline) -> Result<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            let result = self.command(dot, command, value)?;
            value = Some(match result {
                Value::Nil => Value::Missing,
                other => other,
            });
        }
        let value = value.unwrap_or(Value::Missing);
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(*name, value.clone(), pipeline.offset)?;
            } else {
                self.variables.push((*name, value.clone()));
            }
        }
        Ok(value)
    }

    /// A command; what comes through the pipe is its last argument.
    fn command(
        &mut self,
        dot: &Value,
        command: &'a Command,
        piped: Option<Value>,
    ) -> Result<Value> {
        let (first, arguments) = command
            .operands
            .split_first()
            .unwrap_or_else(|| unreachable!("the parser makes no empty command"));
        let offset = first.offset;
        self.steps(1, offset)?;
        match &first.kind {
            OperandKind::Field(names) => {
                return self.fields(dot, dot.clone(), names, arguments, piped, offset);
            }
            OperandKind::Chain(inner, names) => {
                let receiver = self.operand(dot, inner)?;
                return self.fields(dot, receiver, names, arguments, piped, offset);
            }
            OperandKind::Variable(name, names) if !names.is_empty() => {
                let place = self.place(*name, offset)?;
                let receiver = self.variables[place].1.clone();
                return self.fields(dot, receiver, names, arguments, piped, offset);
            }
            OperandKind::Function(function) => {
                return self.function(dot, function, arguments, piped, offset);
            }
            _ => {}
        }
        if !arguments.is_empty() || piped.is_some() {
            return Err(evaluation(offset, NOT_A_FUNCTION));
        }
        match &first.kind {
            OperandKind::Nil => Err(evaluation(offset, "nil is not a command")),
            _ => self.operand(dot, first),
        }
    }

    /// An operand where any value will do.
    pub(super) fn operand(&mut self, dot: &Value, operand: &'a Operand) -> Result<Value> {
        let offset = operand.offset;
        self.steps(1, offset)?;
        Ok(match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => Value::Missing,
            OperandKind::Bool(truth) => Value::Bool(*truth),
            OperandKind::Number(number) => ideal(number, offset)?,
            OperandKind::Text(text) => Value::Text(text.clone()),
            OperandKind::Field(names) => self.fields(dot, dot.clone(), names, &[], None, offset)?,
            OperandKind::Variable(name, names) => {
                let place = self.place(*name, offset)?;
                let value = self.variables[place].1.clone();
                if names.is_empty() {
                    return Ok(value);
                }
                self.fields(dot, value, names, &[], None, offset)?
            }
            OperandKind::Function(function) => self.function(dot, function, &[], None, offset)?,
            OperandKind::Pipeline(pipeline) => self.pipeline(dot, pipeline)?,
            OperandKind::Chain(inner, names) => {
                let receiver = self.operand(dot, inner)?;
                self.fields(dot, receiver, names, &[], None, offset)?
            }
        })
    }

    /// `.a.b.c`: the last one may be a method, and gets the arguments.
    fn fields(
        &mut self,
        dot: &Value,
        receiver: Value,
        names: &'a [Text],
        arguments: &'a [Operand],
        piped: Option<Value>,
        offset: usize,
    ) -> Result<Value> {
        // Where dictionaries have keys that start like it, it is compared as far as that.
        let length: usize = names
            .iter()
            .map(|name| 1 + name.len() / COMPARED_A_STEP)
            .sum();
        self.steps(length, offset)?;
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for name in before {
            receiver = self.field(dot, &receiver, name, &[], None, offset)?;
        }
        self.field(dot, &receiver, last, arguments, piped, offset)
    }

    fn field(
        &mut self,
        dot: &Value,
        receiver: &Value,
        name: &Text,
        arguments: &'a [Operand],
        piped: Option<Value>,
        offset: usize,
    ) -> Result<Value> {
        match receiver {
            Value::Missing => Ok(Value::Missing),
            Value::Nil => Err(evaluation(offset, "a field of nil")),
            Value::Map(map) => {
                if !arguments.is_empty() || piped.is_some() {
                    return Err(evaluation(offset, NOT_A_FUNCTION));
                }
                Ok(map.get(name).unwrap_or(Value::Missing))
            }
            Value::Object(object) => match object.method(name) {
                Some(method) => {
                    self.method(dot, receiver.clone(), method, arguments, piped, offset)
                }
                None => Err(evaluation(offset, "there is no such field or method")),
            },
            _ => Err(evaluation(offset, "a field of something that has none")),
        }
    }
}

/// A number where nothing says what it should be.
pub(super) fn ideal(number: &Number, offset: usize) -> Result<Value> {
    if let Some((real, imaginary)) = number.complex {
        return Ok(Value::Complex(real, imaginary));
    }
    match (number.float, number.int) {
        (Some(float), _) if number.looks_float => Ok(Value::Float(float)),
        (_, Some(int)) => Ok(Value::Int(int)),
        _ => Err(wrong(
            offset,
            Problem::Evaluation("a number that is too large for an int"),
        )),
    }
}
