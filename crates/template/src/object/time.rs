//! Times, durations, and what belongs to them.

use std::rc::Rc;

use crate::{
    error::Fault,
    functions::{Arguments, Function, Parameter, Scope},
    object::Object,
    time::{Civil, Time, Zone, duration},
    value::Value,
};

const DURATION: &[Parameter] = &[Parameter::Duration];
const TIME: &[Parameter] = &[Parameter::Time];

/// Methods of a time that give one value.
pub(crate) const METHODS: &[Function] = &[
    Function::new("Year", &[], |_, given| dated(given, |date| date.year)),
    Function::new("Day", &[], |_, given| dated(given, |date| date.day)),
    Function::new("Hour", &[], |_, given| dated(given, |date| date.hour)),
    Function::new("Minute", &[], |_, given| dated(given, |date| date.minute)),
    Function::new("Second", &[], |_, given| dated(given, |date| date.second)),
    Function::new("YearDay", &[], |_, given| {
        dated(given, |date| date.year_day)
    }),
    Function::new("Month", &[], |_, mut given| {
        Ok(Value::Object(Object::Month(given.time()?.civil().month)))
    }),
    Function::new("Weekday", &[], |_, mut given| {
        Ok(Value::Object(Object::Weekday(
            given.time()?.civil().weekday,
        )))
    }),
    Function::new("Nanosecond", &[], |_, mut given| {
        Ok(Value::Int(i64::from(given.time()?.nanoseconds())))
    }),
    Function::new("Unix", &[], |_, given| since_1970(given, 1)),
    Function::new("UnixMilli", &[], |_, given| since_1970(given, 1_000)),
    Function::new("UnixMicro", &[], |_, given| since_1970(given, 1_000_000)),
    Function::new("UnixNano", &[], |_, given| since_1970(given, 1_000_000_000)),
    Function::new("IsZero", &[], |_, mut given| {
        Ok(given.time()?.is_zero().into())
    }),
    // No zone that a time can have here has another time in summer.
    Function::new("IsDST", &[], |_, mut given| {
        given.time()?;
        Ok(false.into())
    }),
    Function::new("After", TIME, |_, mut given| {
        Ok((given.time()?.key() > given.time()?.key()).into())
    }),
    Function::new("Before", TIME, |_, mut given| {
        Ok((given.time()?.key() < given.time()?.key()).into())
    }),
    Function::new("Equal", TIME, |_, mut given| {
        Ok((given.time()?.key() == given.time()?.key()).into())
    }),
    Function::new("Compare", TIME, |_, mut given| {
        let order = given.time()?.key().cmp(&given.time()?.key());
        Ok(Value::Int(order as i64))
    }),
    Function::new("Add", DURATION, |_, mut given| {
        Ok(value(given.time()?.plus(given.duration()?)))
    }),
    Function::new("Sub", TIME, |_, mut given| {
        let difference = given.time()?.minus(&*given.time()?);
        Ok(Value::Object(Object::Duration(difference)))
    }),
    Function::new("Truncate", DURATION, |_, mut given| {
        Ok(value(given.time()?.truncated(given.duration()?)))
    }),
    Function::new("Round", DURATION, |_, mut given| {
        Ok(value(given.time()?.rounded(given.duration()?)))
    }),
    Function::new(
        "AddDate",
        &[Parameter::Int, Parameter::Int, Parameter::Int],
        |_, mut given| {
            let time = given.time()?;
            let (years, months, days) = (given.int()?, given.int()?, given.int()?);
            Ok(value(time.plus_date(years, months, days)))
        },
    ),
    Function::new("UTC", &[], |_, mut given| {
        Ok(value(given.time()?.within(Zone::Utc)))
    }),
    Function::new("Local", &[], |_, mut given| {
        Ok(value(given.time()?.within(Zone::Local)))
    }),
    Function::new("In", &[Parameter::Location], |_, mut given| {
        let time = given.time()?;
        match given.any()? {
            Value::Object(Object::Location(zone)) => Ok(value(time.within(zone))),
            _ => Err(Fault::Refused),
        }
    }),
    Function::new("Location", &[], |_, mut given| {
        Ok(Value::Object(Object::Location(
            given.time()?.zone().clone(),
        )))
    }),
    Function::new("Format", &[Parameter::Text], |scope, mut given| {
        let (time, layout) = (given.time()?, given.text()?);
        format(scope, &time, &layout)
    }),
    Function::new("String", &[], |scope, mut given| {
        scope.text(given.time()?.string())
    }),
    Function::new("GoString", &[], |scope, mut given| {
        scope.text(given.time()?.go_string())
    }),
    Function::new("MarshalText", &[], |scope, mut given| {
        let text = given.time()?.rfc3339().ok_or(Fault::Refused)?;
        scope.byte_list(text.as_bytes())
    }),
    Function::new("MarshalJSON", &[], |scope, mut given| {
        let text = given.time()?.rfc3339().ok_or(Fault::Refused)?;
        scope.byte_list(format!("\"{text}\"").as_bytes())
    }),
    Function::new("MarshalBinary", &[], binary),
    Function::new("GobEncode", &[], binary),
];

/// Methods of a duration.
pub(crate) const DURATION_METHODS: &[Function] = &[
    Function::new("Nanoseconds", &[], |_, given| units(given, 1)),
    Function::new("Microseconds", &[], |_, given| units(given, 1_000)),
    Function::new("Milliseconds", &[], |_, given| units(given, 1_000_000)),
    Function::new("Seconds", &[], |_, given| fraction(given, 1_000_000_000)),
    Function::new("Minutes", &[], |_, given| fraction(given, 60_000_000_000)),
    Function::new("Hours", &[], |_, given| fraction(given, 3_600_000_000_000)),
    Function::new("Truncate", DURATION, |_, mut given| {
        let truncated = duration::truncated(given.duration()?, given.duration()?);
        Ok(Value::Object(Object::Duration(truncated)))
    }),
    Function::new("Round", DURATION, |_, mut given| {
        let rounded = duration::rounded(given.duration()?, given.duration()?);
        Ok(Value::Object(Object::Duration(rounded)))
    }),
    Function::new("Abs", &[], |_, mut given| {
        let duration = given.duration()?.saturating_abs();
        Ok(Value::Object(Object::Duration(duration)))
    }),
    STRING,
];

/// Methods of a month, a day of the week and a zone.
pub(crate) const NAME_METHODS: &[Function] = &[STRING];

const STRING: Function = Function::new("String", &[], |scope, mut given| match given.any()? {
    Value::Object(object) => scope.text(object.string()),
    _ => Err(Fault::Refused),
});

/// A time whose zone has a name of any length.
pub(crate) fn made(scope: &mut Scope<'_>, time: Time) -> Result<Value, Fault> {
    scope
        .meter
        .memory(size_of::<Time>() + time.zone().name_length())?;
    Ok(value(time))
}

pub(crate) fn value(time: Time) -> Value {
    Value::Object(Object::Time(Rc::new(time)))
}

/// A time in a layout. For each byte of that it has to be asked whether a part of a time starts there.
pub(crate) fn format(scope: &mut Scope<'_>, time: &Time, layout: &[u8]) -> Result<Value, Fault> {
    scope.steps(layout.len())?;
    let shown = time.format(layout, |length| scope.reserve(length))?;
    scope.text(shown)
}

fn dated(mut given: Arguments, part: fn(&Civil) -> i64) -> Result<Value, Fault> {
    Ok(Value::Int(part(&given.time()?.civil())))
}

fn since_1970(mut given: Arguments, parts: i64) -> Result<Value, Fault> {
    let time = given.time()?;
    let rest = i64::from(time.nanoseconds()) / (1_000_000_000 / parts);
    let rest = if parts == 1 { 0 } else { rest };
    Ok(Value::Int64(
        time.unix().wrapping_mul(parts).wrapping_add(rest),
    ))
}

fn units(mut given: Arguments, unit: i64) -> Result<Value, Fault> {
    Ok(Value::Int64(given.duration()? / unit))
}

/// Whole units and the rest are added as fractions, as Go does it.
fn fraction(mut given: Arguments, unit: i64) -> Result<Value, Fault> {
    let duration = given.duration()?;
    let (whole, rest) = (duration / unit, duration % unit);
    Ok(Value::Float(whole as f64 + rest as f64 / unit as f64))
}

fn binary(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let bytes = given.time()?.binary().ok_or(Fault::Refused)?;
    scope.byte_list(&bytes)
}
