//! Every parser of foreign bytes over its corpus and some seconds of mutations; `cargo xtask test --long` for hours.

use std::fs;

use seal_tests::{fuzz, keys};

#[test]
fn no_text_of_an_item_breaks_the_envelope() {
    fuzz::drive("envelope", fuzz::envelope::run, Vec::new());
}

#[test]
fn no_key_or_certificate_breaks_the_import() {
    let names = [
        "rsa-2048.crt",
        "rsa-2048.key",
        "rsa-2048.pkcs1.key",
        "rsa-1024.key",
        "ec.crt",
        "ec.key",
    ];
    let inputs = names.map(|name| fs::read(keys::path(name)).expect("it is there"));
    fuzz::drive("keys", fuzz::keys::run, inputs.into());
}

#[test]
fn no_document_breaks_reading_or_editing() {
    fuzz::drive("manifest", fuzz::manifest::run, Vec::new());
}

#[test]
fn no_template_breaks_rendering_or_exceeds_its_limits() {
    let cases = [
        include_str!("template/cases/language.txt"),
        include_str!("template/cases/encoding.txt"),
        include_str!("template/cases/flow.txt"),
        include_str!("template/cases/lists.txt"),
        include_str!("template/cases/math.txt"),
        include_str!("template/cases/dates.txt"),
        include_str!("template/cases/regex.txt"),
        include_str!("template/cases/strings.txt"),
    ];
    let lines = cases.iter().flat_map(|cases| cases.lines());
    let inputs = lines.map(|line| line.as_bytes().to_vec());
    fuzz::drive("template", fuzz::template::run, inputs.collect());
}
