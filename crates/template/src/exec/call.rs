//! Calls of functions and methods: as many arguments as they take, of the types that they take.

use super::{Machine, Result, Wrong, evaluate::ideal, evaluation, wrong};
use crate::{
    compare::COMPARED_A_STEP,
    error::Problem,
    functions::{Arguments, Function, Parameter, Run, Status, Why},
    node::{Number, Operand, OperandKind},
    object::Object,
    value::{Element, Entry, List, Map, Value},
};

/// Functions look at what they are given; so many bytes of texts are one step.
const BYTES_A_STEP: usize = 32;
/// As many bytes as an element of a list and an entry of a dictionary count.
const ELEMENT: usize = 8;
const ENTRY: usize = 32;

impl<'a> Machine<'a> {
    /// Calls a function.
    pub(super) fn function(
        &mut self,
        dot: &Value,
        function: &'static Function,
        arguments: &'a [Operand],
        piped: Option<Value>,
        offset: usize,
    ) -> Result<Value> {
        if let Status::Off(why) = function.status
            && !self.allows(why)
        {
            return Err(in_function(function, offset, Problem::FunctionOff(why)));
        }
        let run = match function.run {
            Run::UpTo(truth) => return self.logic(dot, function, truth, arguments, piped, offset),
            Run::Plain(run) => run,
            Run::Nothing => return Err(in_function(function, offset, Problem::Refused)),
        };
        let values = self.arguments(dot, function, arguments, piped, offset, Vec::new())?;
        run(&mut self.scope(), Arguments::new(values))
            .map_err(|fault| in_function(function, offset, fault.into()))
    }

    fn allows(&self, why: Why) -> bool {
        match why {
            Why::Random => self.allowed.random.is_some(),
            Why::Clock => self.allowed.now.is_some(),
            Why::Keys | Why::Costly => false,
        }
    }

    /// Calls a method: its receiver comes first.
    pub(super) fn method(
        &mut self,
        dot: &Value,
        receiver: Value,
        method: &'static Function,
        arguments: &'a [Operand],
        piped: Option<Value>,
        offset: usize,
    ) -> Result<Value> {
        let Run::Plain(run) = method.run else {
            return Err(in_function(method, offset, Problem::Refused));
        };
        let values = self.arguments(dot, method, arguments, piped, offset, vec![receiver])?;
        run(&mut self.scope(), Arguments::new(values))
            .map_err(|fault| in_function(method, offset, fault.into()))
    }

    /// `and`, `or`: the first argument that decides, else the last.
    fn logic(
        &mut self,
        dot: &Value,
        function: &'static Function,
        decides: bool,
        arguments: &'a [Operand],
        piped: Option<Value>,
        offset: usize,
    ) -> Result<Value> {
        check_count(
            function,
            arguments.len() + usize::from(piped.is_some()),
            offset,
        )?;
        let mut value = Value::Missing;
        for argument in arguments {
            value = self.argument(dot, Parameter::Value, argument)?;
            if value.truth() == decides {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    fn arguments(
        &mut self,
        dot: &Value,
        function: &'static Function,
        arguments: &'a [Operand],
        piped: Option<Value>,
        offset: usize,
        mut values: Vec<Value>,
    ) -> Result<Vec<Value>> {
        check_count(
            function,
            arguments.len() + usize::from(piped.is_some()),
            offset,
        )?;
        let last = function.parameters.len().saturating_sub(1);
        let parameter = |index: usize| {
            function
                .parameters
                .get(index.min(last))
                .copied()
                .unwrap_or(Parameter::Any)
        };
        for (index, argument) in arguments.iter().enumerate() {
            values.push(self.argument(dot, parameter(index), argument)?);
        }
        if let Some(piped) = piped {
            let piped = assigned(piped, parameter(arguments.len()))
                .ok_or_else(|| in_function(function, offset, Problem::Evaluation(WRONG_TYPE)))?;
            values.push(piped);
        }
        let passes = if function.by_reference {
            values.iter().map(compared).sum::<usize>() / COMPARED_A_STEP
        } else {
            values.iter().map(size).sum::<usize>() / BYTES_A_STEP
        };
        self.steps(1 + passes, offset)?;
        Ok(values)
    }

    /// An argument for a parameter. What a constant is depends on the parameter.
    fn argument(
        &mut self,
        dot: &Value,
        parameter: Parameter,
        argument: &'a Operand,
    ) -> Result<Value> {
        let offset = argument.offset;
        self.steps(1, offset)?;
        let value = match &argument.kind {
            OperandKind::Nil => nil(parameter),
            OperandKind::Bool(truth) => constant(parameter, Parameter::Bool, Value::Bool(*truth)),
            OperandKind::Text(text) => {
                constant(parameter, Parameter::Text, Value::Text(text.clone()))
            }
            OperandKind::Number(number) => number_for(parameter, number, offset)?,
            _ => {
                let value = self.operand(dot, argument)?;
                assigned(value, parameter)
            }
        };
        value.ok_or_else(|| evaluation(offset, WRONG_TYPE))
    }
}

const WRONG_TYPE: &str = "an argument of the wrong type";

fn check_count(function: &'static Function, given: usize, offset: usize) -> Result<()> {
    let wanted = function.parameters.len();
    let fits = if function.variadic {
        given + 1 >= wanted
    } else {
        given == wanted
    };
    if fits {
        return Ok(());
    }
    let problem = Problem::Evaluation("the wrong number of arguments");
    Err(in_function(function, offset, problem))
}

/// A constant for a parameter of its own type or of any.
fn constant(parameter: Parameter, own: Parameter, value: Value) -> Option<Value> {
    let fits = parameter == own || matches!(parameter, Parameter::Any | Parameter::Value);
    fits.then_some(value)
}

fn number_for(parameter: Parameter, number: &Number, offset: usize) -> Result<Option<Value>> {
    Ok(match parameter {
        Parameter::Any | Parameter::Value => Some(ideal(number, offset)?),
        Parameter::Int => number.int.map(Value::Int),
        Parameter::Duration => {
            let duration = |nanoseconds| Value::Object(Object::Duration(nanoseconds));
            number.int.map(duration)
        }
        Parameter::Float => number.float.map(Value::Float),
        Parameter::Uint32 => number.uint.map(|number| Value::Uint32(number as u32)),
        Parameter::Text
        | Parameter::Bool
        | Parameter::Map
        | Parameter::List
        | Parameter::Version
        | Parameter::Time
        | Parameter::Location
        | Parameter::Certificate => None,
    })
}

/// What `nil` is to a parameter.
fn nil(parameter: Parameter) -> Option<Value> {
    match parameter {
        Parameter::Any => Some(Value::Nil),
        Parameter::Value => Some(Value::Missing),
        Parameter::Map => Some(Value::Map(Map {
            entry: Entry::Any,
            entries: None,
        })),
        Parameter::List => Some(Value::List(List::nil(Element::Any))),
        Parameter::Text
        | Parameter::Int
        | Parameter::Float
        | Parameter::Bool
        | Parameter::Uint32
        | Parameter::Version
        | Parameter::Time
        | Parameter::Duration
        | Parameter::Location
        | Parameter::Certificate => None,
    }
}

/// A value for a parameter, if it has its type.
fn assigned(value: Value, parameter: Parameter) -> Option<Value> {
    if matches!(value, Value::Missing) {
        return nil(parameter);
    }
    let fits = match (parameter, &value) {
        (Parameter::Any | Parameter::Value, _)
        | (Parameter::Text, Value::Text(_))
        | (Parameter::Int, Value::Int(_))
        | (Parameter::Float, Value::Float(_))
        | (Parameter::Bool, Value::Bool(_))
        | (Parameter::Uint32, Value::Uint32(_))
        | (Parameter::Version, Value::Object(Object::Version(_)))
        | (Parameter::Time, Value::Object(Object::Time(_)))
        | (Parameter::Duration, Value::Object(Object::Duration(_)))
        | (Parameter::Location, Value::Object(Object::Location(_))) => true,
        (Parameter::Map, Value::Map(map)) => map.entry == Entry::Any,
        (Parameter::List, Value::List(list)) => list.element == Element::Any,
        _ => false,
    };
    fits.then_some(value)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(list) => ELEMENT * list.len(),
        Value::Map(map) => ENTRY * map.len(),
        Value::Object(object) => object.bytes(),
        _ => 0,
    }
}

/// How many bytes of a value are looked at where it is taken as it is.
fn compared(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Object(object) => object.bytes(),
        _ => 0,
    }
}

fn in_function(function: &'static Function, offset: usize, problem: Problem) -> Box<Wrong> {
    Box::new(Wrong {
        function: Some(function.name),
        ..*wrong(offset, problem)
    })
}
