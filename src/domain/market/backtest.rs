//! Whether losses went beyond a value at risk as often as it says, and without a pattern.

use super::error::{MarketError, within};
use super::normal::{chi_squared_1_above, chi_squared_2_above};

/// What a likelihood ratio test comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LikelihoodRatio {
    /// Twice the logarithm of the ratio, chi-squared where the value at risk holds.
    pub statistic: f64,
    /// The probability of one as large or larger where it holds.
    pub p_value: f64,
}

impl LikelihoodRatio {
    fn of(unrestricted: f64, restricted: f64) -> Self {
        // The unrestricted likelihood is the larger one but for rounding.
        let statistic = (2.0 * (unrestricted - restricted)).max(0.0);
        Self { statistic, p_value: chi_squared_1_above(statistic) }
    }
}

/// A zone of the Basel Committee's supervisory framework (1996, annex 10a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// So many exceptions or fewer have a probability below 95 per cent.
    Green,
    /// Below 99.99 per cent.
    Yellow,
    /// As high or higher.
    Red,
}

impl Zone {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// Exceptions of a series of days: the losses greater than the value at risk told for the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Days.
    pub days: u64,
    /// Days with an exception.
    pub exceptions: u64,
    /// The first day with one, counted from one.
    pub first: Option<u64>,
    /// Days after a day, by whether that had an exception and whether they have: `[without][with]`.
    pub followed: [[u64; 2]; 2],
    before: Option<bool>,
}

impl Exceptions {
    /// Takes in the next day's return and the value at risk told for it, positive for a loss.
    pub fn push(&mut self, value: f64, value_at_risk: f64) {
        self.note(value < -value_at_risk);
    }

    /// Takes in whether the next day has an exception.
    pub fn note(&mut self, is_exception: bool) {
        self.days += 1;
        self.exceptions += u64::from(is_exception);
        if is_exception {
            self.first.get_or_insert(self.days);
        }
        if let Some(before) = self.before {
            let [after_none, after_one] = &mut self.followed;
            let [none, one] = if before { after_one } else { after_none };
            *if is_exception { one } else { none } += 1;
        }
        self.before = Some(is_exception);
    }

    /// Kupiec's test of how often (1995): proportion of failures. None without days.
    ///
    /// # Errors
    /// A probability that is not between 0 and 1.
    pub fn proportion(&self, probability: f64) -> Result<Option<LikelihoodRatio>, MarketError> {
        let p = checked(probability)?;
        let (hits, rest) = (self.exceptions as f64, (self.days - self.exceptions) as f64);
        let share = hits / self.days as f64;
        let found = LikelihoodRatio::of(bernoulli(hits, rest, share), bernoulli(hits, rest, p));
        Ok((self.days > 0).then_some(found))
    }

    /// Kupiec's test of the time until the first. None while there is none.
    ///
    /// # Errors
    /// A probability that is not between 0 and 1.
    pub fn time_until_first(
        &self,
        probability: f64,
    ) -> Result<Option<LikelihoodRatio>, MarketError> {
        let p = checked(probability)?;
        Ok(self.first.map(|day| {
            let rest = (day - 1) as f64;
            LikelihoodRatio::of(bernoulli(1.0, rest, 1.0 / day as f64), bernoulli(1.0, rest, p))
        }))
    }

    /// Christoffersen's test of independence (1998): whether an exception is as likely after one as
    /// after none. None with fewer than two days.
    pub fn independence(&self) -> Option<LikelihoodRatio> {
        let [[none, one], [after_none, after_one]] =
            self.followed.map(|row| row.map(|count| count as f64));
        let (rest, hits) = (none + after_none, one + after_one);
        if rest + hits == 0.0 {
            return None;
        }
        let of = |hits: f64, rest: f64| match hits + rest > 0.0 {
            true => bernoulli(hits, rest, hits / (hits + rest)),
            false => 0.0,
        };
        Some(LikelihoodRatio::of(of(one, none) + of(after_one, after_none), of(hits, rest)))
    }

    /// Christoffersen's test of both at once.
    ///
    /// # Errors
    /// A probability that is not between 0 and 1.
    pub fn conditional_coverage(
        &self,
        probability: f64,
    ) -> Result<Option<LikelihoodRatio>, MarketError> {
        let often = self.proportion(probability)?;
        Ok(often.zip(self.independence()).map(|(often, apart)| {
            let statistic = often.statistic + apart.statistic;
            LikelihoodRatio { statistic, p_value: chi_squared_2_above(statistic) }
        }))
    }

    /// The probability of as many exceptions or more where the value at risk holds.
    ///
    /// # Errors
    /// A probability that is not between 0 and 1.
    pub fn at_least(&self, probability: f64) -> Result<f64, MarketError> {
        binomial(self.exceptions..=self.days, self.days, checked(probability)?)
    }

    /// The supervisory zone.
    ///
    /// # Errors
    /// A probability that is not between 0 and 1.
    pub fn zone(&self, probability: f64) -> Result<Zone, MarketError> {
        let up_to = binomial(0..=self.exceptions, self.days, checked(probability)?)?;
        Ok(match up_to {
            up_to if up_to < 0.95 => Zone::Green,
            up_to if up_to < 0.9999 => Zone::Yellow,
            _ => Zone::Red,
        })
    }

    /// What the supervisor adds to the factor of three; it is laid down for 250 days at 99 per cent,
    /// None for others.
    pub fn plus_factor(&self, probability: f64) -> Option<f64> {
        let laid_down = self.days == 250 && (probability - 0.01).abs() < 1e-9;
        laid_down.then_some(match self.exceptions {
            0..=4 => 0.0,
            5 => 0.4,
            6 => 0.5,
            7 => 0.65,
            8 => 0.75,
            9 => 0.85,
            _ => 1.0,
        })
    }
}

fn checked(probability: f64) -> Result<f64, MarketError> {
    let holds = 0.0 < probability && probability < 1.0;
    within("probability", probability, holds, "greater than 0 and less than 1")
}

/// The logarithm of the likelihood of so many hits and misses; nothing times an infinity is nothing.
fn bernoulli(hits: f64, rest: f64, p: f64) -> f64 {
    let times = |count: f64, log: f64| if count > 0.0 { count * log } else { 0.0 };
    times(hits, libm::log(p)) + times(rest, libm::log1p(-p))
}

/// The probability of a number of hits within a range, of so many tries.
fn binomial(hits: std::ops::RangeInclusive<u64>, tries: u64, p: f64) -> Result<f64, MarketError> {
    use statrs::function::beta::beta_reg;
    let none = libm::exp(tries as f64 * libm::log1p(-p));
    if none > f64::MIN_POSITIVE {
        // Terms follow from one another, and all of them are positive.
        let odds = p / (1.0 - p);
        let (mut term, mut sum) = (none, 0.0);
        for count in 0..=*hits.end() {
            if hits.contains(&count) {
                sum += term;
            }
            term *= (tries - count.min(tries)) as f64 / (count + 1) as f64 * odds;
        }
        return Ok(sum);
    }
    let below = |count: u64| match count >= tries {
        true => 1.0,
        false => beta_reg((tries - count) as f64, count as f64 + 1.0, 1.0 - p),
    };
    let before = hits.start().checked_sub(1).map_or(0.0, below);
    Ok((below(*hits.end()) - before).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: u64, exceptions: u64) -> Exceptions {
        let mut all = Exceptions::default();
        (0..days).for_each(|day| all.note(day < exceptions));
        all
    }

    #[test]
    fn every_number_of_exceptions_has_a_probability() {
        for (days, p) in [(250, 0.01), (1000, 0.05), (200_000, 0.01)] {
            let some = of(days, days / 100);
            let up_to = binomial(0..=some.exceptions - 1, days, p).unwrap();
            assert!((up_to + some.at_least(p).unwrap() - 1.0).abs() < 1e-9, "{days} {p}");
        }
        assert_eq!(of(250, 4).zone(0.01).unwrap(), Zone::Green);
        assert_eq!(of(250, 10).zone(0.01).unwrap(), Zone::Red);
        assert_eq!(of(100, 4).plus_factor(0.01), None);
    }

    #[test]
    fn what_tells_nothing_has_no_test() {
        let none = Exceptions::default();
        assert_eq!(none.proportion(0.01), Ok(None));
        assert_eq!(none.independence(), None);
        assert_eq!(of(250, 0).time_until_first(0.01), Ok(None));
        assert!(of(250, 0).proportion(0.0).is_err());
        // A share that is met exactly is no evidence against it.
        let met = of(500, 5).proportion(0.01).unwrap().unwrap();
        assert!(met.statistic < 1e-12 && met.p_value > 0.999_999);
    }
}
