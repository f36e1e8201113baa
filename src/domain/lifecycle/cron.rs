//! The slots of a schedule: cron expressions in a time zone.
//!
//! Clocks that are put forward and back follow the Open Cron Pattern Specification, as Vixie cron does.
//! A time of day that does not occur is kept at the first moment after the gap, one that occurs twice at
//! its first; what is said by steps or stars goes on in real time.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::LifecycleError;

/// A schedule: when, and by which clock.
#[derive(Clone, Debug)]
pub struct Cron {
    pattern: croner::Cron,
    zone: Tz,
}

/// A pattern is a line.
const PATTERN_BYTES_MAX: usize = 200;

impl Cron {
    /// Reads minute, hour, day of month, month and day of week, with seconds before and a year after them
    /// if given; `L`, `W` and `#` for last days, the nearest weekday and n-th weekdays.
    ///
    /// # Errors
    /// What is no pattern, or a time zone that is not known.
    pub fn parse(pattern: &str, zone: &str) -> Result<Self, LifecycleError> {
        let refused = |reason: String| LifecycleError::Pattern {
            given: pattern.chars().take(80).collect(),
            reason,
        };
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(refused(format!("It is longer than {PATTERN_BYTES_MAX} bytes.")));
        }
        let zone = Tz::from_str(zone)
            .map_err(|_| LifecycleError::Zone(zone.chars().take(80).collect()))?;
        let pattern = croner::Cron::from_str(pattern)
            .map_err(|error| refused(format!("{}.", error.to_string().trim_end_matches('.'))))?;
        Ok(Self { pattern, zone })
    }

    /// The first slot after a moment; none when the pattern has no more.
    pub fn next_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let slot =
            self.pattern.find_next_occurrence(&moment.with_timezone(&self.zone), false).ok()?;
        Some(slot.with_timezone(&Utc))
    }

    /// The slots after a moment through another, no more than so many, the earliest first.
    pub fn slots(
        &self,
        after: DateTime<Utc>,
        through: DateTime<Utc>,
        most: usize,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next_after(after), |&slot| self.next_after(slot))
            .take_while(move |&slot| slot <= through)
            .take(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate, TimeDelta, TimeZone, Timelike};
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn slots(pattern: &str, zone: &str, after: &str, most: usize) -> Vec<String> {
        Cron::parse(pattern, zone)
            .unwrap()
            .slots(at(after), at("2100-01-01T00:00:00Z"), most)
            .map(|slot| slot.format("%Y-%m-%dT%H:%MZ").to_string())
            .collect()
    }

    #[test]
    fn a_time_that_does_not_occur_is_kept_after_the_gap() {
        // In Berlin the clock goes from 02:00 to 03:00 on 2024-03-31.
        assert_eq!(
            slots("30 2 * * *", "Europe/Berlin", "2024-03-30T00:00:00Z", 3),
            ["2024-03-30T01:30Z", "2024-03-31T01:00Z", "2024-04-01T00:30Z"]
        );
    }

    #[test]
    fn a_time_that_occurs_twice_is_kept_once() {
        // On 2024-10-27 it goes from 03:00 back to 02:00.
        assert_eq!(
            slots("30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", 2),
            ["2024-10-27T00:30Z", "2024-10-28T01:30Z"]
        );
    }

    #[test]
    fn steps_go_on_in_real_time() {
        assert_eq!(
            slots("*/30 * * * *", "Europe/Berlin", "2024-10-26T23:45:00Z", 5),
            [
                "2024-10-27T00:00Z",
                "2024-10-27T00:30Z",
                "2024-10-27T01:00Z",
                "2024-10-27T01:30Z",
                "2024-10-27T02:00Z"
            ]
        );
    }

    #[test]
    fn months_and_weekdays() {
        assert_eq!(
            slots("0 12 15 * *", "UTC", "2024-01-31T00:00:00Z", 2),
            ["2024-02-15T12:00Z", "2024-03-15T12:00Z"]
        );
        assert_eq!(
            slots("0 9 * * MON#1", "America/New_York", "2024-03-01T00:00:00Z", 2),
            ["2024-03-04T14:00Z", "2024-04-01T13:00Z"]
        );
        assert_eq!(
            slots("0 0 L * *", "UTC", "2024-02-01T00:00:00Z", 2),
            ["2024-02-29T00:00Z", "2024-03-31T00:00Z"]
        );
        assert_eq!(slots("0 0 30 2 *", "UTC", "2024-02-01T00:00:00Z", 2), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for pattern in ["", "60 * * * *", "* * *", "every day", "* * * * FRIDAY13", "0 0 0 * *"] {
            assert!(Cron::parse(pattern, "UTC").is_err(), "{pattern}");
        }
        assert!(Cron::parse("* * * * *", "Mars/Olympus").is_err());
    }

    fn patterns() -> impl Strategy<Value = (String, u32, u32)> {
        (0..60u32, 0..24u32)
            .prop_map(|(minute, hour)| (format!("{minute} {hour} * * *"), minute, hour))
    }

    proptest! {
        /// Every day has its slot once, in every zone, whatever its clock does; at the time it says, or at the
        /// first after a gap.
        #[test]
        fn every_day_has_one_slot(
            (pattern, minute, hour) in patterns(),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
                "Australia/Lord_Howe", "America/St_Johns", "Pacific/Auckland", "Africa/Casablanca"]),
            start in 0..12_000i32,
        ) {
            let cron = Cron::parse(&pattern, zone).unwrap();
            let tz: Tz = zone.parse().unwrap();
            let first = NaiveDate::from_ymd_opt(1995, 1, 1).unwrap() + TimeDelta::days(i64::from(start));
            let after = tz.from_local_datetime(&first.and_hms_opt(12, 0, 0).unwrap()).earliest().unwrap();
            let mut day = first;
            let slots: Vec<_> = cron
                .slots(after.with_timezone(&Utc), after.with_timezone(&Utc) + TimeDelta::days(60), 100)
                .collect();
            if (hour, minute) <= (12, 0) {
                day = day.succ_opt().unwrap();
            }
            for slot in &slots {
                let local = slot.with_timezone(&tz);
                prop_assert_eq!(local.date_naive(), day);
                let wanted = day.and_hms_opt(hour, minute, 0).unwrap();
                if let Some(exact) = tz.from_local_datetime(&wanted).earliest() {
                    prop_assert_eq!(local, exact);
                } else {
                    prop_assert!(local.naive_local() > wanted);
                    prop_assert!(local.hour() <= hour + 2 && local.year() == day.year());
                }
                day = day.succ_opt().unwrap();
            }
            prop_assert!(slots.len() >= 59);
        }

        /// Slots are told the same whether they are asked for one by one or together, and rise.
        #[test]
        fn slots_follow_one_another(
            step in 1..30u32,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
            after in 800_000_000..2_000_000_000i64,
        ) {
            let cron = Cron::parse(&format!("*/{step} * * * *"), zone).unwrap();
            let start = DateTime::from_timestamp(after, 0).unwrap();
            let mut last = start;
            for slot in cron.slots(start, start + TimeDelta::hours(30), 10_000) {
                prop_assert!(slot > last);
                prop_assert!(slot - last <= TimeDelta::minutes(120));
                prop_assert_eq!(cron.next_after(slot - TimeDelta::seconds(1)), Some(slot));
                last = slot;
            }
        }
    }
}
