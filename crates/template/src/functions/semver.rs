//! Semantic versions, and whether they meet constraints such as `>=1.2 <2`.

mod constraint;

use std::rc::Rc;

use super::{Function, Parameter};
use crate::{
    error::Fault,
    object::{Object, version::Version},
    value::Value,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Parameter::Text], |scope, mut given| {
        let version = Version::parse(&given.utf8()?).ok_or(Fault::Refused)?;
        scope.meter.memory(version.bytes())?;
        Ok(Value::Object(Object::Version(Rc::new(version))))
    }),
    Function::new(
        "semverCompare",
        &[Parameter::Text, Parameter::Text],
        |scope, mut given| {
            let constraint = given.utf8()?;
            let constraints = constraint::parse(scope, &constraint)?.ok_or(Fault::Refused)?;
            let version = Version::parse(&given.utf8()?).ok_or(Fault::Refused)?;
            Ok(constraints.allow(&version).into())
        },
    ),
];
