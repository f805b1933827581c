//! Values that have methods of their own in Go. A new type is a variant here and a file beside this one.

pub mod time;
pub mod version;

use std::rc::Rc;

use crate::{
    functions::Function,
    time::{Time, Zone, duration},
    value::{Kind, Value},
};
use version::Version;

/// A value with methods.
#[derive(Clone)]
pub enum Object {
    /// `*semver.Version`
    Version(Rc<Version>),
    /// `semver.Version`
    VersionValue(Rc<Version>),
    /// `time.Time`
    Time(Rc<Time>),
    /// `time.Duration`, in nanoseconds.
    Duration(i64),
    /// `time.Month`, from one on.
    Month(i64),
    /// `time.Weekday`, from Sunday on.
    Weekday(i64),
    /// `*time.Location`
    Location(Zone),
}

impl Object {
    /// Go's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Version(_) => "*semver.Version",
            Self::VersionValue(_) => "semver.Version",
            Self::Time(_) => "time.Time",
            Self::Duration(_) => "time.Duration",
            Self::Month(_) => "time.Month",
            Self::Weekday(_) => "time.Weekday",
            Self::Location(_) => "*time.Location",
        }
    }

    /// Go's kind of the type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Version(_) | Self::Location(_) => Kind::Pointer,
            Self::VersionValue(_) | Self::Time(_) => Kind::Struct,
            Self::Duration(_) => Kind::Int64,
            Self::Month(_) | Self::Weekday(_) => Kind::Int,
        }
    }

    /// The number that a value of a type made of an integer is.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Version(_) | Self::VersionValue(_) | Self::Time(_) | Self::Location(_) => None,
            Self::Duration(number) | Self::Month(number) | Self::Weekday(number) => Some(*number),
        }
    }

    /// What is a plain integer to sprig's conversions.
    pub(crate) fn plain_number(&self) -> Option<i64> {
        match self {
            Self::Version(_)
            | Self::VersionValue(_)
            | Self::Time(_)
            | Self::Duration(_)
            | Self::Location(_) => None,
            Self::Month(number) | Self::Weekday(number) => Some(*number),
        }
    }

    /// A value of the same type that is another number.
    pub(crate) fn with_number(&self, number: i64) -> Self {
        match self {
            Self::Version(_) | Self::VersionValue(_) | Self::Time(_) | Self::Location(_) => {
                self.clone()
            }
            Self::Duration(_) => Self::Duration(number),
            Self::Month(_) => Self::Month(number),
            Self::Weekday(_) => Self::Weekday(number),
        }
    }

    /// What its method `String` gives.
    pub fn string(&self) -> String {
        match self {
            Self::Version(version) | Self::VersionValue(version) => version.string(),
            Self::Time(time) => time.string(),
            Self::Duration(nanoseconds) => duration::shown(*nanoseconds),
            Self::Month(number) => duration::month(*number),
            Self::Weekday(number) => duration::weekday(*number),
            Self::Location(zone) => zone.string(),
        }
    }

    /// What its method `GoString` gives, if it has one.
    pub fn go_string(&self) -> Option<String> {
        match self {
            Self::Time(time) => Some(time.go_string()),
            _ => None,
        }
    }

    /// How many bytes of texts it holds.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Version(version) | Self::VersionValue(version) => version.bytes(),
            Self::Time(time) => time.zone().name_length(),
            Self::Location(zone) => zone.name_length(),
            Self::Duration(_) | Self::Month(_) | Self::Weekday(_) => 0,
        }
    }

    /// Its fields, which a template cannot read, but print. Nothing where they hold an address.
    pub fn fields(&self) -> Option<Vec<(&'static str, Value)>> {
        match self {
            Self::Version(version) | Self::VersionValue(version) => Some(version.fields()),
            Self::Time(time) => time.fields(),
            Self::Duration(_) | Self::Month(_) | Self::Weekday(_) | Self::Location(_) => None,
        }
    }

    /// A method by its name; it takes the value itself as its first argument.
    pub fn method(&self, name: &[u8]) -> Option<&'static Function> {
        let (methods, more) = match self {
            Self::Version(_) => (version::METHODS, version::POINTER_METHODS),
            Self::VersionValue(_) => (version::METHODS, &[] as &[_]),
            Self::Time(_) => (time::METHODS, &[] as &[_]),
            Self::Duration(_) => (time::DURATION_METHODS, &[] as &[_]),
            Self::Month(_) | Self::Weekday(_) | Self::Location(_) => {
                (time::NAME_METHODS, &[] as &[_])
            }
        };
        let mut all = methods.iter().chain(more);
        all.find(|method| method.name.as_bytes() == name)
    }

    /// Go's `==`.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Version(ours), Self::Version(theirs)) => Rc::ptr_eq(ours, theirs),
            (Self::Time(ours), Self::Time(theirs)) => ours.is_same(theirs),
            (Self::Location(ours), Self::Location(theirs)) => ours.is_same(theirs),
            _ => self.is_equal(other),
        }
    }

    /// Go's `reflect.DeepEqual`.
    pub fn is_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Version(ours), Self::Version(theirs))
            | (Self::VersionValue(ours), Self::VersionValue(theirs)) => ours == theirs,
            (Self::Time(ours), Self::Time(theirs)) => ours.is_equal(theirs),
            (Self::Location(ours), Self::Location(theirs)) => ours.is_equal(theirs),
            _ => self.type_name() == other.type_name() && self.number() == other.number(),
        }
    }
}
