//! Dates, times and durations. What is given no time takes the clock's.

use super::{Arguments, Function, Parameter, Scope, Why};
use crate::{
    error::Fault,
    object::{Object, time},
    text::Text,
    time::{Time, Zone, duration},
    value::Value,
};

const ANY: &[Parameter] = &[Parameter::Any];
const TWO: &[Parameter] = &[Parameter::Text, Parameter::Text];
const CHANGE: &[Parameter] = &[Parameter::Text, Parameter::Time];
const IN_ZONE: &[Parameter] = &[Parameter::Text, Parameter::Any, Parameter::Text];
const DATE: &[u8] = b"2006-01-02";
const SECOND: i64 = 1_000_000_000;
/// The steps that a zone takes to be found.
const ZONE: usize = 100;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |scope, _| Ok(time::value(scope.now()?))).needs(Why::Clock),
    Function::new("ago", ANY, ago).needs(Why::Clock),
    Function::new(
        "date",
        &[Parameter::Text, Parameter::Any],
        |scope, mut given| {
            let (layout, date) = (given.text()?, given.any()?);
            shown(scope, &layout, &date, Zone::Local)
        },
    ),
    Function::new("dateInZone", IN_ZONE, in_zone),
    Function::new("date_in_zone", IN_ZONE, in_zone),
    Function::new("htmlDate", ANY, |scope, mut given| {
        let date = given.any()?;
        shown(scope, DATE, &date, Zone::Local)
    }),
    Function::new(
        "htmlDateInZone",
        &[Parameter::Any, Parameter::Text],
        |scope, mut given| {
            let (date, zone) = (given.any()?, given.text()?);
            let zone = zone_of(scope, &zone)?;
            shown(scope, DATE, &date, zone)
        },
    ),
    Function::new("dateModify", CHANGE, |_, given| modified(given, false)),
    Function::new("date_modify", CHANGE, |_, given| modified(given, false)),
    Function::new("mustDateModify", CHANGE, |_, given| modified(given, true)),
    Function::new("must_date_modify", CHANGE, |_, given| modified(given, true)),
    Function::new("toDate", TWO, |scope, mut given| {
        let (layout, text) = (given.text()?, given.text()?);
        let parsed = read(scope, &layout, &text)?.unwrap_or(Time::ZERO);
        time::made(scope, parsed)
    }),
    Function::new("mustToDate", TWO, |scope, mut given| {
        let (layout, text) = (given.text()?, given.text()?);
        let parsed = read(scope, &layout, &text)?.ok_or(Fault::Refused)?;
        time::made(scope, parsed)
    }),
    Function::new("unixEpoch", &[Parameter::Time], |scope, mut given| {
        let seconds = given.time()?.unix();
        scope.text(seconds.to_string())
    }),
    Function::new("duration", ANY, |scope, mut given| {
        let seconds = match given.any()? {
            Value::Text(text) => whole(&text),
            Value::Int64(seconds) => seconds,
            _ => 0,
        };
        scope.text(duration::shown(seconds.wrapping_mul(SECOND)))
    }),
    Function::new("durationRound", ANY, |scope, mut given| {
        let nanoseconds = match given.any()? {
            Value::Text(text) => duration::parse(&text).unwrap_or(0),
            Value::Int64(nanoseconds) => nanoseconds,
            Value::Object(Object::Time(time)) => scope.now()?.minus(&time),
            _ => 0,
        };
        scope.text(rounded(nanoseconds))
    }),
];

/// Which argument of a function is a date, and otherwise the clock's time.
pub(crate) fn date_argument(function: &str) -> Option<usize> {
    match function {
        "date" | "dateInZone" | "date_in_zone" => Some(1),
        "htmlDate" | "htmlDateInZone" => Some(0),
        _ => None,
    }
}

/// What date is meant: a time, or seconds since 1970. Everything else is now.
fn time_of(scope: &Scope<'_>, date: &Value) -> Result<Time, Fault> {
    match date {
        Value::Object(Object::Time(time)) => Ok((**time).clone()),
        Value::Int(seconds) | Value::Int64(seconds) => Ok(Time::of_unix(*seconds, 0)),
        _ => scope.now(),
    }
}

fn read(scope: &mut Scope<'_>, layout: &[u8], text: &[u8]) -> Result<Option<Time>, Fault> {
    scope.steps(layout.len())?;
    Ok(Time::parse(layout, text))
}

fn shown(scope: &mut Scope<'_>, layout: &[u8], date: &Value, zone: Zone) -> Result<Value, Fault> {
    let date = time_of(scope, date)?.within(zone);
    time::format(scope, &date, layout)
}

fn in_zone(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let (layout, date, zone) = (given.text()?, given.any()?, given.text()?);
    let zone = zone_of(scope, &zone)?;
    shown(scope, &layout, &date, zone)
}

/// A zone by its name; one that is not known is UTC.
fn zone_of(scope: &mut Scope<'_>, name: &Text) -> Result<Zone, Fault> {
    // It takes longer than looking at a text.
    scope.steps(ZONE)?;
    Ok(Zone::named(name).unwrap_or(Zone::Utc))
}

fn modified(mut given: Arguments, must: bool) -> Result<Value, Fault> {
    let (by, date) = (given.text()?, given.time()?);
    match duration::parse(&by) {
        Some(by) => Ok(time::value(date.plus(by))),
        None if must => Err(Fault::Refused),
        None => Ok(Value::Object(Object::Time(date))),
    }
}

/// How long ago a time is, in seconds.
fn ago(scope: &mut Scope<'_>, mut given: Arguments) -> Result<Value, Fault> {
    let date = given.any()?;
    let date = time_of(scope, &date)?;
    let passed = scope.now()?.minus(&date);
    scope.text(duration::shown(duration::rounded(passed, SECOND)))
}

/// A whole number; zero if it is none, and the nearest that fits.
fn whole(text: &[u8]) -> i64 {
    let digits = match text {
        [b'+' | b'-', digits @ ..] => digits,
        _ => text,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let limit = if text.starts_with(b"-") {
        i64::MIN
    } else {
        i64::MAX
    };
    let text = str::from_utf8(text).unwrap_or_default();
    text.parse().unwrap_or(limit)
}

/// In the largest unit of which there is more than one.
fn rounded(nanoseconds: i64) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (SECOND as u64, "s"),
    ];
    let all = nanoseconds.unsigned_abs();
    let found = units.iter().find(|(unit, _)| all > *unit);
    found.map_or_else(
        || "0s".to_owned(),
        |(unit, name)| format!("{}{name}", all / unit),
    )
}
