//! Templates: parsed, and rendered within their limits.

use std::{collections::BTreeMap, mem::discriminant, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use seal_template::{Error, Limits, Problem, Template, Text};

use super::Features;

/// Low ones, so that they are met.
const LIMITS: Limits = Limits {
    steps: 100_000,
    calls: 100,
    output: 1 << 16,
    memory: 1 << 20,
    value_depth: 50,
};

/// The work of a step and of what comes once to a rendering, unoptimised: far more than any step takes.
const STEP: Duration = Duration::from_micros(20);
const RENDERING: Duration = Duration::from_millis(300);

/// The text up to a zero byte is the template, what follows is a value: a fault lies in the template, a result keeps within
/// the limits, and comes out the same once more, for the same steps and for none less; and the steps pay for the time.
pub fn run(data: &[u8], features: &mut Features) {
    let end = data.iter().position(|byte| *byte == 0);
    let (text, value) = data.split_at(end.unwrap_or(data.len()));
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let template = match Template::parse("item", text) {
        Ok(template) => template,
        Err(error) => return check("parse", text, &error, features),
    };
    for off in template.functions_off() {
        check("off", text, &off, features);
    }
    let values: BTreeMap<Text, Text> = [
        ("a", b"alice".as_slice()),
        ("num", b"42"),
        ("json", br#"{"a":[1,2.5,"x",null,true]}"#),
        ("value", value),
    ]
    .map(|(key, value)| (key.into(), value.into()))
    .into();
    let mut limits = LIMITS;
    let begun = time();
    let rendered = template.render(&values, &mut limits);
    let taken = time().saturating_sub(begun);
    let steps = LIMITS.steps - limits.steps;
    let paid = RENDERING + STEP * u32::try_from(steps).unwrap_or(u32::MAX);
    assert!(taken < paid, "{taken:?} for {steps} steps");
    match rendered {
        Ok(rendered) => {
            features.note(("length", rendered.len().min(64)));
            assert!(rendered.len() <= LIMITS.output);
            assert_eq!(limits.output, LIMITS.output - rendered.len());
            let within = |steps| {
                let mut limits = Limits { steps, ..LIMITS };
                template.render(&values, &mut limits)
            };
            assert!(within(steps).is_ok_and(|again| *again == *rendered));
            if let Some(fewer) = steps.checked_sub(1) {
                let problem = within(fewer).err().map(|error| error.problem);
                assert_eq!(problem, Some(Problem::Steps(fewer)));
            }
        }
        Err(error) => check("render", text, &error, features),
    }
    features.note(("steps", steps.checked_ilog2()));
}

/// How long this thread has run, whatever else the machine does.
fn time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn check(when: &str, text: &str, error: &Error, features: &mut Features) {
    features.note((when, discriminant(&error.problem), &error.function));
    assert!(text.is_char_boundary(error.position.offset));
    assert!(!error.excerpt(text).is_empty());
    assert!(!error.to_string().contains('\n'));
}
