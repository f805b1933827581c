//! What a Secret of 5 values costs beside its five RSA operations, and how little the number of keys matters.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use seal_api::Scope;
use seal_envelope::{KeySize, generate_key};
use seal_sealing::{HeldKey, KeyRing, Secret, UnsealOptions, seal, unseal};

fn key(size: KeySize, hour: i64) -> HeldKey {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
    let key = generate_key(size, "", now, SignedDuration::from_hours(24));
    HeldKey::generated(key.expect("keys can be made"), now)
}

/// A Secret of 5 values of 32 bytes.
fn secret() -> Secret {
    let mut secret = Secret::new("db", Some("prod"));
    for item in ["a", "b", "c", "d", "e"] {
        secret
            .data
            .insert(item.to_owned(), [b'x'; 32].as_slice().into());
    }
    secret
}

fn secrets(criterion: &mut Criterion) {
    let secret = secret();
    for (bits, size) in [(2048, KeySize::Rsa2048), (4096, KeySize::Rsa4096)] {
        let ring = KeyRing::new(vec![key(size, 0)]);
        let (_, certificate) = ring.current().expect("the key has a certificate");
        let sealed = seal(&secret, Scope::Strict, certificate, Timestamp::UNIX_EPOCH);
        let sealed = sealed.expect("it can be sealed").object;

        criterion.bench_function(&format!("seal 5 values, {bits} bits"), |bencher| {
            bencher.iter(|| {
                seal(
                    black_box(&secret),
                    Scope::Strict,
                    certificate,
                    Timestamp::UNIX_EPOCH,
                )
            });
        });
        criterion.bench_function(&format!("unseal 5 values, {bits} bits"), |bencher| {
            bencher.iter(|| unseal(black_box(&sealed), &ring, &UnsealOptions::default()));
        });
    }
}

/// The hints of the item lines find the key among 37, the oldest of which sealed the object.
fn many_keys(criterion: &mut Criterion) {
    let ring = KeyRing::new((0..37).map(|hour| key(KeySize::Rsa2048, hour)).collect());
    let oldest = ring.keys().last().and_then(|key| key.certificate.as_ref());
    let certificate = oldest.expect("generated keys have certificates");
    let sealed = seal(&secret(), Scope::Strict, certificate, Timestamp::UNIX_EPOCH);
    let sealed = sealed.expect("it can be sealed").object;
    criterion.bench_function("unseal 5 values, 2048 bits, among 37 keys", |bencher| {
        bencher.iter(|| unseal(black_box(&sealed), &ring, &UnsealOptions::default()));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = secrets, many_keys
}
criterion_main!(benches);
