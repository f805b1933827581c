//! What one value costs, and reading the certificate and the key for it: RSA is nearly all of it.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use seal_envelope::{Certificate, GeneratedKey, KeySize, Label, OpeningKey, generate_key};

const VALUE: [u8; 32] = [b'x'; 32];

fn generate(size: KeySize) -> GeneratedKey {
    generate_key(
        size,
        "",
        Timestamp::UNIX_EPOCH,
        SignedDuration::from_hours(24),
    )
    .expect("keys can be made")
}

fn values(criterion: &mut Criterion) {
    for size in [KeySize::Rsa2048, KeySize::Rsa4096] {
        let key = generate(size);
        let bits = key.certificate.bits();
        let label = Label::strict("prod", "db");
        let sealed = key
            .certificate
            .seal(&VALUE, &label)
            .expect("there is randomness");

        criterion.bench_function(&format!("seal 32 bytes, {bits} bits"), |bencher| {
            bencher.iter(|| key.certificate.seal(black_box(&VALUE), &label));
        });
        criterion.bench_function(&format!("open 32 bytes, {bits} bits"), |bencher| {
            bencher.iter(|| key.opening_key.open(black_box(&sealed), &label));
        });
    }
}

fn imports(criterion: &mut Criterion) {
    for size in [KeySize::Rsa2048, KeySize::Rsa4096] {
        let key = generate(size);
        let bits = key.certificate.bits();
        let (certificate, private) = (key.certificate.to_pem(), key.opening_key.to_pkcs1_pem());

        criterion.bench_function(&format!("read a certificate, {bits} bits"), |bencher| {
            bencher.iter(|| Certificate::from_pem(black_box(certificate.as_bytes())));
        });
        criterion.bench_function(&format!("read a private key, {bits} bits"), |bencher| {
            bencher.iter(|| OpeningKey::from_pem(black_box(private.as_bytes())));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = values, imports
}
criterion_main!(benches);
