//! Private-key operations: counted, and each asked for before it is made, since nothing else costs as much.

/// What a private-key operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Opening a value.
    Opening,
    /// Finding out why one does not open.
    Diagnosis,
}

/// The operations made for an object, and who says whether another one is.
pub(crate) struct Operations<'g> {
    pub(crate) made: u64,
    goes_on: &'g mut dyn FnMut(Purpose) -> bool,
}

/// An operation was not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwanted;

impl<'g> Operations<'g> {
    /// None was made; `goes_on` is asked before each.
    pub(crate) fn new(goes_on: &'g mut dyn FnMut(Purpose) -> bool) -> Self {
        Self { made: 0, goes_on }
    }

    /// Counts the operation that follows, where it is wanted.
    pub(crate) fn begin(&mut self, purpose: Purpose) -> Result<(), Unwanted> {
        if !(self.goes_on)(purpose) {
            return Err(Unwanted);
        }
        self.made += 1;
        Ok(())
    }
}
