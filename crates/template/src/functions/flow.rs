//! Choices: defaults, what is empty, giving up.

use super::{Function, Parameter};
use crate::{
    error::Fault,
    object::Object,
    value::{Kind, Value},
};

const ANY: &[Parameter] = &[Parameter::Any];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "default",
        &[Parameter::Any, Parameter::Any],
        |_, mut given| {
            let otherwise = given.any()?;
            match given.next() {
                Some(value) if !is_empty(&value) => Ok(value),
                _ => Ok(otherwise),
            }
        },
    )
    .by_reference()
    .variadic(),
    Function::new("empty", ANY, |_, mut given| {
        Ok(is_empty(&given.any()?).into())
    })
    .by_reference(),
    Function::new("coalesce", ANY, |_, given| {
        let first = given.rest().into_iter().find(|value| !is_empty(value));
        Ok(first.unwrap_or(Value::Nil))
    })
    .by_reference()
    .variadic(),
    Function::new("all", ANY, |_, given| {
        Ok(given.rest().iter().all(|value| !is_empty(value)).into())
    })
    .by_reference()
    .variadic(),
    Function::new("any", ANY, |_, given| {
        Ok(given.rest().iter().any(|value| !is_empty(value)).into())
    })
    .by_reference()
    .variadic(),
    Function::new(
        "ternary",
        &[Parameter::Any, Parameter::Any, Parameter::Bool],
        |_, mut given| {
            let (yes, no) = (given.any()?, given.any()?);
            Ok(if given.bool()? { yes } else { no })
        },
    )
    .by_reference(),
    Function::new("fail", &[Parameter::Text], |_, _| Err(Fault::Failed)).by_reference(),
];

/// Whether a value is the zero value of its type. What has fields is not.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => is_zero(object),
        other => !other.truth(),
    }
}

fn is_zero(object: &Object) -> bool {
    match object.kind() {
        Kind::Struct | Kind::Pointer => false,
        _ => object.number() == Some(0),
    }
}
