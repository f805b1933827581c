//! What benchmarks need to know of single operations, as JSON. `envelope-costs seal`: what one RSA-4096 seal takes on a
//! core while every core does nothing but seal, since cores slow each other down; the mean of many, as a whole run has it.
//! `envelope-costs opening`: how many private-key operations an item costs when its line names the right key, among 1 and
//! among 37 keys.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{env, error::Error, thread, time::Instant};

use jiff::{SignedDuration, Timestamp};
use seal_api::Scope;
use seal_envelope::{Certificate, KeySize, Label, SealError, generate_key};
use seal_sealing::{HeldKey, KeyRing, Secret, UnsealOptions, seal, unseal};
use seal_tests::keys;
use serde_json::json;

/// How often each core seals.
const SEALS: usize = 2500;
const ITEMS: u64 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = env::args().nth(1);
    let costs = match wanted.as_deref() {
        Some("seal") => json!({"nanoseconds": seal_nanoseconds()?}),
        Some("opening") => json!({"1": operations_per_item(1)?, "37": operations_per_item(37)?}),
        _ => return Err("usage: envelope-costs seal|opening".into()),
    };
    println!("{costs}");
    Ok(())
}

fn seal_nanoseconds() -> Result<u64, Box<dyn Error>> {
    let certificate = Certificate::from_pem(keys::pem("rsa-4096.crt").as_bytes())?;
    let cores = thread::available_parallelism()?.get();
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| seal_again_and_again(&certificate)))
            .collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results.collect::<Result<Vec<_>, _>>()
    })
    .map_err(|_| "a thread panicked")?
    .into_iter()
    .collect::<Result<(), _>>()?;
    let seals = u128::try_from(SEALS)?;
    Ok(u64::try_from(begun.elapsed().as_nanos() / seals)?)
}

fn seal_again_and_again(certificate: &Certificate) -> Result<(), SealError> {
    let label = Label::strict("prod", "db");
    (0..SEALS).try_for_each(|_| {
        certificate
            .seal(b"not-a-secret-00000-00000", &label)
            .map(drop)
    })
}

/// The object is sealed with the oldest key, the one that would be tried last.
fn operations_per_item(keys: u32) -> Result<f64, Box<dyn Error>> {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let mut held = Vec::new();
    for age in 0..keys {
        let since = now - SignedDuration::from_hours(24 * i64::from(age));
        let key = generate_key(
            KeySize::Rsa2048,
            "",
            since,
            SignedDuration::from_hours(24 * 3650),
        )?;
        held.push(HeldKey::generated(key, since));
    }
    let ring = KeyRing::new(held);
    let oldest = ring.keys().last().and_then(|key| key.certificate.as_ref());
    let mut secret = Secret::new("db", Some("prod"));
    for item in 0..ITEMS {
        secret
            .data
            .insert(format!("value-{item}"), b"not a secret".as_slice().into());
    }
    let sealed = seal(&secret, Scope::Strict, oldest.ok_or("there is a key")?, now)?.object;
    unseal(&sealed, &ring, &UnsealOptions::default())?;
    Ok(ring.operations() as f64 / ITEMS as f64)
}
