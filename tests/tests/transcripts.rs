//! Runs the transcripts in `tests/cmd/`: one behaviour each, input and expected files beside them.

use seal_tests::{programs, transcripts};

#[test]
fn every_transcript_holds() {
    trycmd::TestCases::new()
        .case("cmd/*.toml")
        .case("cmd/*.md")
        .env(transcripts::INHERITED, transcripts::inherited())
        .env(programs::BUILT, programs::folder().to_string_lossy())
        .register_bin(
            "seal",
            std::path::Path::new(env!("CARGO_BIN_EXE_recorded-seal")),
        );
}
