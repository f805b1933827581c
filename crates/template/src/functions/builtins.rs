//! The functions of Go's templates themselves. `slice` is not here, since sprig has its own.

use super::{Arguments, Function, Parameter, Run, Scope, Status};
use crate::{
    compare,
    error::Fault,
    escape, fmt,
    text::Text,
    value::{Entry, Value},
};

/// So many bytes of a text that is escaped are one step.
const LETTERS_A_STEP: usize = 8;

const TWO: &[Parameter] = &[Parameter::Value, Parameter::Value];
const ANY: &[Parameter] = &[Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    logic("and", false),
    logic("or", true),
    Function::new("not", &[Parameter::Value], |_, mut given| {
        Ok((!given.any()?.truth()).into())
    })
    .by_reference(),
    Function::new("eq", TWO, eq).by_reference().variadic(),
    Function::new("ne", TWO, |_, given| {
        compared(given, |left, right| Ok(!compare::is_equal(left, right)?))
    })
    .by_reference(),
    Function::new("lt", TWO, |_, given| compared(given, compare::is_less)).by_reference(),
    Function::new("le", TWO, |_, given| {
        compared(given, compare::is_less_or_equal)
    })
    .by_reference(),
    Function::new("gt", TWO, |_, given| {
        compared(given, |left, right| {
            Ok(!compare::is_less_or_equal(left, right)?)
        })
    })
    .by_reference(),
    Function::new("ge", TWO, |_, given| {
        compared(given, |left, right| Ok(!compare::is_less(left, right)?))
    })
    .by_reference(),
    // No function of ours gives a function.
    Function::new("call", TWO, |_, _| Err(Fault::Refused)).variadic(),
    Function::new("index", TWO, index).by_reference().variadic(),
    Function::new("len", &[Parameter::Value], len).by_reference(),
    Function::new("html", ANY, |scope, given| {
        escaped(scope, given, 6, escape::html)
    })
    .variadic(),
    Function::new("js", ANY, |scope, given| {
        escaped(scope, given, 6, escape::javascript)
    })
    .variadic(),
    Function::new("urlquery", ANY, |scope, given| {
        escaped(scope, given, 3, escape::url_query)
    })
    .variadic(),
    Function::new("print", ANY, |scope, given| {
        let text = fmt::print(scope, &given.rest())?;
        scope.text(text)
    })
    .variadic(),
    Function::new("println", ANY, |scope, given| {
        let text = fmt::println(scope, &given.rest())?;
        scope.text(text)
    })
    .variadic(),
    Function::new(
        "printf",
        &[Parameter::Text, Parameter::Any],
        |scope, mut given| {
            let format = given.text()?;
            let text = fmt::printf(scope, &format, &given.rest())?;
            scope.text(text)
        },
    )
    .variadic(),
];

const fn logic(name: &'static str, decides: bool) -> Function {
    Function {
        name,
        parameters: TWO,
        variadic: true,
        status: Status::Same,
        by_reference: true,
        run: Run::UpTo(decides),
    }
}

/// Whether the first is equal to one of the others.
fn eq(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let first = given.any()?;
    let others = given.rest();
    if others.is_empty() {
        return Err(Fault::Refused);
    }
    for other in &others {
        if compare::is_equal(&first, other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn compared(
    mut given: Arguments,
    holds: fn(&Value, &Value) -> Result<bool, Fault>,
) -> Result<Value, Fault> {
    let (left, right) = (given.any()?, given.any()?);
    Ok(holds(&left, &right)?.into())
}

/// `index x 1 2 3` is `x[1][2][3]`.
fn index(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let mut item = given.any()?;
    if item.is_nothing() {
        return Err(Fault::Refused);
    }
    for index in given.rest() {
        item = match &item {
            Value::List(list) => list.get(position(&index)?),
            Value::Text(text) => text.get(position(&index)?).map(|byte| Value::Uint8(*byte)),
            Value::Map(map) => {
                let Value::Text(key) = &index else {
                    return Err(Fault::Refused);
                };
                let missing = match map.entry {
                    Entry::Any => Value::Nil,
                    Entry::Text => Value::Text(Text::from("")),
                };
                Some(map.get(key).unwrap_or(missing))
            }
            _ => None,
        }
        .ok_or(Fault::Refused)?;
    }
    Ok(item)
}

fn position(index: &Value) -> Result<usize, Fault> {
    let signed = index.signed().and_then(|index| index.try_into().ok());
    let unsigned = || index.unsigned().and_then(|index| index.try_into().ok());
    signed.or_else(unsigned).ok_or(Fault::Refused)
}

fn len(_: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let length = match given.any()? {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return Err(Fault::Refused),
    };
    Ok(Value::Int(length as i64))
}

/// Escapes what `print` would give; no byte becomes more than `longest` bytes.
fn escaped(
    scope: &mut Scope<'_>,
    given: Arguments,
    longest: usize,
    escape: fn(&[u8]) -> Vec<u8>,
) -> Result<Value, Fault> {
    let mut values = given.rest();
    let text = match values.as_slice() {
        [Value::Text(text)] => text.clone(),
        _ => {
            for value in &mut values {
                if value.is_nothing() {
                    *value = Value::Text(Text::from("<no value>"));
                }
            }
            fmt::print(scope, &values)?.into()
        }
    };
    scope.reserve(text.len().saturating_mul(longest))?;
    scope.steps(text.len() / LETTERS_A_STEP)?;
    scope.text(escape(&text))
}
