//! Times as Go has them: seconds since the year 1, nanoseconds, and a time zone. `Local` is UTC, as in the image of the
//! controller that we are compatible with.

pub(crate) mod duration;
mod format;
mod layout;
mod parse;
mod zone;

pub use zone::Zone;

use std::convert::Infallible;

use crate::value::Value;

/// The start of 1970 in seconds since the start of the year 1.
const UNIX: i64 = 62_135_596_800;
/// The first second that has a date in Go, since 1970: that of March of a year long ago.
const FIRST: i128 = -9_223_372_028_741_760_000;
const DAY: i64 = 86_400;
const NANOSECONDS: i64 = 1_000_000_000;

/// Go's `time.Time`.
#[derive(Clone)]
pub struct Time {
    /// Seconds since the start of the year 1.
    seconds: i64,
    nanoseconds: u32,
    zone: Zone,
}

/// A date and the time of day.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// From 1 on.
    pub(crate) year_day: i64,
    /// Sunday is 0.
    pub(crate) weekday: i64,
}

impl Time {
    /// Go's zero: the start of the year 1 in UTC.
    pub(crate) const ZERO: Self = Self {
        seconds: 0,
        nanoseconds: 0,
        zone: Zone::Utc,
    };

    /// Seconds since 1970.
    pub(crate) fn of_unix(seconds: i64, nanoseconds: u32) -> Self {
        Self {
            seconds: seconds.wrapping_add(UNIX),
            nanoseconds,
            zone: Zone::Local,
        }
    }

    /// A date, whose parts may be out of range.
    pub(crate) fn of_date(date: &Civil, nanoseconds: u32, zone: Zone) -> Self {
        let months = i128::from(date.year) * 12 + i128::from(date.month) - 1;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let days = days_of(year, month) + i128::from(date.day) - 1;
        let clock = (i128::from(date.hour) * 60 + i128::from(date.minute)) * 60;
        let unix = days * i128::from(DAY) + clock + i128::from(date.second);
        let mut time = Self::of_unix(unix as i64, nanoseconds);
        time.seconds = time.seconds.wrapping_sub(zone.offset(time.unix()));
        time.zone = zone;
        time
    }

    pub(crate) fn unix(&self) -> i64 {
        self.seconds.wrapping_sub(UNIX)
    }

    pub(crate) fn nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    pub(crate) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The same time in another zone.
    pub(crate) fn within(&self, zone: Zone) -> Self {
        Self {
            zone,
            ..self.clone()
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.key() == (0, 0)
    }

    /// By which times are ordered.
    pub(crate) fn key(&self) -> (i64, u32) {
        (self.seconds, self.nanoseconds)
    }

    /// Its date in its zone.
    pub(crate) fn civil(&self) -> Civil {
        let local = self.unix().wrapping_add(self.zone.offset(self.unix()));
        // Go counts from the first second that has a date, in a number that starts again at zero.
        let since_first = (i128::from(local) - FIRST) as u64;
        let local = i128::from(since_first) + FIRST;
        let days = local.div_euclid(i128::from(DAY)) as i64;
        let clock = local.rem_euclid(i128::from(DAY)) as i64;
        let (year, month, day) = date_of(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            year_day: days - days_of(i128::from(year), 1) as i64 + 1,
            weekday: (days + 4).rem_euclid(7),
        }
    }

    /// Later by so many nanoseconds.
    pub(crate) fn plus(&self, nanoseconds: i64) -> Self {
        let mut seconds = nanoseconds / NANOSECONDS;
        let mut rest = i64::from(self.nanoseconds) + nanoseconds % NANOSECONDS;
        if rest >= NANOSECONDS {
            seconds += 1;
            rest -= NANOSECONDS;
        } else if rest < 0 {
            seconds -= 1;
            rest += NANOSECONDS;
        }
        Self {
            seconds: self.seconds.saturating_add(seconds).max(-i64::MAX),
            nanoseconds: rest as u32,
            zone: self.zone.clone(),
        }
    }

    /// How many nanoseconds it is later than another; at most what fits.
    pub(crate) fn minus(&self, other: &Self) -> i64 {
        let difference = self.total() - other.total();
        difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// Nanoseconds since the start of the year 1.
    fn total(&self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOSECONDS) + i128::from(self.nanoseconds)
    }

    /// Rounded down to a multiple since the start of the year 1.
    pub(crate) fn truncated(&self, to: i64) -> Self {
        if to <= 0 {
            return self.clone();
        }
        self.plus(-(self.total().rem_euclid(i128::from(to)) as i64))
    }

    /// Rounded to the nearest multiple, up from the middle.
    pub(crate) fn rounded(&self, to: i64) -> Self {
        if to <= 0 {
            return self.clone();
        }
        let rest = self.total().rem_euclid(i128::from(to)) as i64;
        if rest < to - rest {
            self.plus(-rest)
        } else {
            self.plus(to - rest)
        }
    }

    /// Later by years, months and days of the calendar.
    pub(crate) fn plus_date(&self, years: i64, months: i64, days: i64) -> Self {
        let mut date = self.civil();
        date.year = date.year.wrapping_add(years);
        date.month = date.month.wrapping_add(months);
        date.day = date.day.wrapping_add(days);
        Self::of_date(&date, self.nanoseconds, self.zone.clone())
    }

    /// Go's `==`.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key() && self.zone.is_same(&other.zone)
    }

    /// Go's `reflect.DeepEqual`.
    pub(crate) fn is_equal(&self, other: &Self) -> bool {
        self.key() == other.key() && self.zone.is_equal(&other.zone)
    }

    /// As `String` shows it.
    pub(crate) fn string(&self) -> String {
        self.shown(b"2006-01-02 15:04:05.999999999 -0700 MST")
    }

    /// As `MarshalText` shows it; nothing if the standard has no words for it.
    pub(crate) fn rfc3339(&self) -> Option<String> {
        let is_short = (0..=9999).contains(&self.civil().year);
        let offset = self.zone.offset(self.unix());
        let fits = is_short && offset.abs() < 24 * 3600;
        fits.then(|| self.shown(b"2006-01-02T15:04:05.999999999Z07:00"))
    }

    fn shown(&self, layout: &[u8]) -> String {
        let shown = self
            .format(layout, |_| Ok::<(), Infallible>(()))
            .unwrap_or_default();
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// As `GoString` shows it.
    pub(crate) fn go_string(&self) -> String {
        let date = self.civil();
        let month = duration::month(date.month);
        format!(
            "time.Date({}, time.{month}, {}, {}, {}, {}, {}, {})",
            date.year,
            date.day,
            date.hour,
            date.minute,
            date.second,
            self.nanoseconds,
            self.zone.go_string()
        )
    }

    /// Its fields; nothing where they hold an address.
    pub(crate) fn fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let fields = vec![
            ("wall", Value::Uint64(u64::from(self.nanoseconds))),
            ("ext", Value::Int64(self.seconds)),
            ("loc", Value::Uint64(0)),
        ];
        matches!(self.zone, Zone::Utc).then_some(fields)
    }

    /// As `MarshalBinary` shows it.
    pub(crate) fn binary(&self) -> Option<Vec<u8>> {
        let offset = self.zone.offset(self.unix());
        let minutes = match self.zone {
            Zone::Utc => -1,
            _ => i16::try_from(offset / 60)
                .ok()
                .filter(|minutes| *minutes != -1)?,
        };
        let seconds = match self.zone {
            Zone::Utc => 0,
            _ => offset % 60,
        };
        let mut bytes = vec![if seconds == 0 { 1 } else { 2 }];
        bytes.extend(self.seconds.to_be_bytes());
        bytes.extend(self.nanoseconds.to_be_bytes());
        bytes.extend(minutes.to_be_bytes());
        if seconds != 0 {
            bytes.push(seconds as i8 as u8);
        }
        Some(bytes)
    }
}

/// Days from 1970 to the first of a month.
fn days_of(year: i128, month: i128) -> i128 {
    // Years that start in March end with the day that is sometimes there.
    let year = if month <= 2 { year - 1 } else { year };
    let since_march = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * since_march + 2) / 5 - 719_468
}

/// The year, month and day of a day since 1970.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let since_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * since_march + 2) / 5 + 1;
    let month = (since_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}
