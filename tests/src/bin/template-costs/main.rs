//! What rendering costs. `template-costs cases COUNT` writes templates of 4 KiB with their values, as the Go peer reads
//! them; `template-costs compare COUNT` renders them here and in Go and fails where a byte differs; `template-costs time
//! THREADS < CASES` renders cases in a process that is like the controller, and says as JSON how long that took.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_shell::{Allocator, allocator};
use seal_tests::templates::{Case, by_go, by_us};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: Allocator = allocator();

const SIZE: usize = 4096;

/// Configuration files; `OBJECT` in them stands for the number of the object, so that no two are the same.
const TEMPLATES: [&str; 4] = [
    include_str!("templates/application.yaml"),
    include_str!("templates/nginx.conf"),
    include_str!("templates/settings.json"),
    include_str!("templates/environment.properties"),
];

const CERTIFICATE: &str = include_str!("../../../keys/rsa-2048.crt");

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["cases", count] => {
            for number in 0..count.parse()? {
                print!("{}", case(number)?.line());
            }
        }
        ["compare", count] => println!("{}", json!({"bytes": compare(count.parse()?)?})),
        ["time", threads] => println!("{}", time(threads.parse()?)?),
        _ => return Err("usage: template-costs cases COUNT | compare COUNT | time THREADS".into()),
    }
    Ok(())
}

/// One object: a template of exactly 4 KiB, filled up with a comment, and the values that its items have.
fn case(number: usize) -> Result<Case> {
    let mut template =
        TEMPLATES[number % TEMPLATES.len()].replace("OBJECT", &format!("{number:04}"));
    let comment = "{{- /* ... */ -}}";
    let rest = (SIZE - comment.len())
        .checked_sub(template.len())
        .ok_or_else(|| format!("the template of object {number} is too long"))?;
    template += &comment.replace("...", &format!("...{}", ".".repeat(rest)));
    let values = [
        ("user", format!("shop_{number}")),
        ("password", format!("not-a-secret/{number:05}&\"quoted\"")),
        ("redis", format!("not-a-secret-{number:05}")),
        ("host", format!("db-{}.prod.svc", number % 7)),
        ("port", "5432".to_owned()),
        ("pool", (8 + number % 5).to_string()),
        ("timeout", (5 + number % 3).to_string()),
        ("nodes", "redis-a, redis-b, redis-c,redis-d".to_owned()),
        (
            "brokers",
            "kafka-0.example.com:9092, kafka-1.example.com:9093".to_owned(),
        ),
        (
            "features",
            r#"{"newCheckout": true, "giftCards": false, "darkMode": true}"#.to_owned(),
        ),
        ("region", "eu-central-1".to_owned()),
        ("team", "payments and refunds".to_owned()),
        ("level", String::new()),
        ("override", String::new()),
        ("certificate", CERTIFICATE.to_owned()),
    ];
    Ok(Case {
        template,
        values: values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into_bytes()))
            .collect(),
    })
}

fn compare(count: usize) -> Result<usize> {
    let cases: Vec<Case> = (0..count).map(case).collect::<Result<_>>()?;
    let mut bytes = 0;
    for (number, (case, theirs)) in cases.iter().zip(by_go(&cases)).enumerate() {
        let theirs = theirs?;
        if by_us(case)? != theirs {
            return Err(format!("object {number} is not what Go makes of it").into());
        }
        bytes += theirs.len();
    }
    Ok(bytes)
}

fn time(threads: usize) -> Result<Value> {
    let cases: Vec<Case> = io::stdin()
        .lines()
        .map(|line| read(&line?))
        .collect::<Result<_>>()?;
    let (next, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let render = || -> std::result::Result<(), String> {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            bytes.fetch_add(by_us(case)?.len(), Ordering::Relaxed);
        }
        Ok(())
    };
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(render)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(|_| "a thread panicked")?
    .into_iter()
    .collect::<std::result::Result<(), _>>()?;
    let nanoseconds = u64::try_from(begun.elapsed().as_nanos())?;
    Ok(json!({"nanoseconds": nanoseconds, "bytes": bytes.into_inner()}))
}

fn read(line: &str) -> Result<Case> {
    let case: Value = serde_json::from_str(line)?;
    let values = case["values"].as_object().ok_or("a case has values")?;
    let values: BTreeMap<String, Vec<u8>> = values
        .iter()
        .map(|(key, value)| {
            let value = value.as_str().ok_or("values are texts")?;
            Ok((key.clone(), STANDARD.decode(value)?))
        })
        .collect::<Result<_>>()?;
    Ok(Case {
        template: case["template"]
            .as_str()
            .ok_or("a case has a template")?
            .to_owned(),
        values,
    })
}
