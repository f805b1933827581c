//! What is left of a run: its output and exit code.

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Everything written to standard output.
    pub stdout: Vec<u8>,
    /// Everything written to standard error.
    pub stderr: Vec<u8>,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl Finished {
    /// Standard output as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("standard output is UTF-8")
    }

    /// Standard error as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    pub fn err(&self) -> &str {
        std::str::from_utf8(&self.stderr).expect("standard error is UTF-8")
    }

    /// Checks the exit code, and shows all output where it is another.
    ///
    /// # Panics
    ///
    /// When it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "the exit code is another; {}",
            self.everything()
        );
        self
    }

    /// Checks that standard error has this text.
    ///
    /// # Panics
    ///
    /// When it has not.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.err().contains(text),
            "nothing says {text:?}; {}",
            self.everything()
        );
        self
    }

    /// Checks that neither output has these bytes, nor their base64.
    ///
    /// # Panics
    ///
    /// When one has.
    #[track_caller]
    pub fn never_shows(self, marker: &str) -> Self {
        for form in crate::memory::forms(marker.as_bytes()) {
            for output in [&self.stdout, &self.stderr] {
                assert!(
                    !contains(output, &form.bytes),
                    "an output has the marker ({})",
                    form.name
                );
            }
        }
        self
    }

    fn everything(&self) -> String {
        format!(
            "standard output:\n{}\nstandard error:\n{}",
            String::from_utf8_lossy(&self.stdout),
            String::from_utf8_lossy(&self.stderr)
        )
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
