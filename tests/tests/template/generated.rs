//! Random templates render as in Go, or fail as in Go.

use std::env;

use seal_tests::templates::{Case, by_us, functions_of_go};

use crate::{
    generator::generator,
    samples::{case, check},
};

const COUNT: u64 = 10_000;
/// The environment variable that chooses other templates.
const SEED: &str = "SEAL_TEMPLATES_SEED";

#[test]
fn random_templates_render_as_in_go() {
    let template = generator(&functions_of_go());
    let seed = env::var(SEED).map_or(0, |seed| seed.parse().unwrap());
    let seeds = seed * COUNT + 1..=(seed + 1) * COUNT;
    let mut cases: Vec<Case> = seeds.map(|seed| case(&template(seed))).collect();
    let results: Vec<_> = cases.iter().map(by_us).collect();
    // If most of them failed, they would show little.
    let rendered = results.iter().filter(|result| result.is_ok()).count();
    assert!(rendered > cases.len() / 3, "{rendered} of {}", cases.len());
    // What reads the clock, shows an address or makes very much of little differs on purpose: it fails here.
    let mut differs = results.iter().map(|result| {
        let error = result.as_ref().err();
        error.is_some_and(|error| {
            error.ends_with("it reads the clock")
                || error.ends_with("in memory")
                || error.contains("too much memory")
                || error.contains("the result is longer")
        })
    });
    cases.retain(|_| !differs.next().unwrap());
    assert!(cases.len() as u64 > COUNT / 100 * 99, "{}", cases.len());
    check(&cases);
}
