//! Time zones.

use std::{rc::Rc, sync::LazyLock};

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

/// Go's `*time.Location`.
#[derive(Clone)]
pub enum Zone {
    /// UTC
    Utc,
    /// The zone of the machine: UTC too.
    Local,
    /// A name, which may be empty, and seconds east of UTC.
    Fixed(Rc<(String, i64)>),
    /// A zone by its name.
    Named(TimeZone),
}

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// How often the calendar repeats itself, in seconds: every 400 years.
const CYCLE: i64 = 146_097 * 86_400;

impl Zone {
    /// A zone by its name in the database of zones.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"" | b"UTC" => return Some(Self::Utc),
            b"Local" => return Some(Self::Local),
            _ => {}
        }
        let name = str::from_utf8(name).ok()?;
        let zone = DATABASE.get(name).ok()?;
        // The database does not mind case, files do.
        (zone.iana_name() == Some(name)).then_some(Self::Named(zone))
    }

    pub(crate) fn fixed(name: String, offset: i64) -> Self {
        Self::Fixed(Rc::new((name, offset)))
    }

    /// Seconds east of UTC at a time since 1970.
    pub(crate) fn offset(&self, unix: i64) -> i64 {
        match self {
            Self::Utc | Self::Local => 0,
            Self::Fixed(zone) => zone.1,
            Self::Named(zone) => i64::from(zone.to_offset(timestamp(unix)).seconds()),
        }
    }

    /// Its short name at a time since 1970.
    pub(crate) fn abbreviation(&self, unix: i64) -> String {
        match self {
            Self::Utc | Self::Local => "UTC".to_owned(),
            Self::Fixed(zone) => zone.0.clone(),
            Self::Named(zone) => zone
                .to_offset_info(timestamp(unix))
                .abbreviation()
                .to_owned(),
        }
    }

    /// What its method `String` gives.
    pub(crate) fn string(&self) -> String {
        match self {
            Self::Utc | Self::Local => "UTC".to_owned(),
            Self::Fixed(zone) => zone.0.clone(),
            Self::Named(zone) => zone.iana_name().unwrap_or_default().to_owned(),
        }
    }

    /// How long a name is that was read from a text.
    pub(crate) fn name_length(&self) -> usize {
        match self {
            Self::Fixed(zone) => zone.0.len(),
            Self::Utc | Self::Local | Self::Named(_) => 0,
        }
    }

    pub(crate) fn go_string(&self) -> String {
        match self {
            Self::Utc => "time.UTC".to_owned(),
            Self::Local => "time.Local".to_owned(),
            // Names that are read from texts need no escapes.
            Self::Fixed(_) | Self::Named(_) => format!("time.Location(\"{}\")", self.string()),
        }
    }

    /// Whether both are the same one. Go keeps zones of whole hours without a name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Utc, Self::Utc) | (Self::Local, Self::Local) => true,
            (Self::Fixed(ours), Self::Fixed(theirs)) => {
                let is_kept = ours.0.is_empty()
                    && ours.1 % 3600 == 0
                    && (-12..=14).contains(&(ours.1 / 3600));
                Rc::ptr_eq(ours, theirs) || (is_kept && ours == theirs)
            }
            _ => false,
        }
    }

    pub(crate) fn is_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(ours), Self::Fixed(theirs)) => ours == theirs,
            _ => self.is_same(other),
        }
    }
}

/// A time at which the same holds: rules repeat themselves after the last year that is known, and nothing changes before
/// the first.
fn timestamp(unix: i64) -> Timestamp {
    let unix = unix.max(Timestamp::MIN.as_second());
    let unix = if unix > Timestamp::MAX.as_second() {
        CYCLE * 10 + unix.rem_euclid(CYCLE)
    } else {
        unix
    };
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}
