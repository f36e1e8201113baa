//! The two unknowns of an annuity that have no finite formula in decimals: its rate and its
//! number of periods.

use super::CashflowError;
use super::dated::force_of;
use super::error::finite;
use super::rate_of_return::{BothSides, Leg, Legs, Net, PresentValue};
use super::time_value::PaymentTiming;
use crate::domain::limits::ANNUITY_PERIODS_MAX;

/// The number of periods after which payments of `payment` take the balance from `present` to
/// minus `future`, with the signs of [`super::pv`].
///
/// `n = ln(1 + q) / ln(1 + r)` with `q = -(pv + fv) r / (pv r + pmt (1 + r w))`, and
/// `n = -(pv + fv) / pmt` at a rate of zero. The number need not be whole. It is infinite where
/// the payment is exactly the interest, so that the balance stands still, and None where the
/// balance never gets there: it grows, or it was there before it began.
///
/// # Errors
/// [`CashflowError::NotFinite`], [`CashflowError::RateTooLow`] at or below minus one, and
/// [`CashflowError::OutOfRange`] for amounts too large to be summed.
pub fn nper(
    rate: f64,
    payment: f64,
    present: f64,
    future: f64,
    when: PaymentTiming,
) -> Result<Option<f64>, CashflowError> {
    let force = force_of(rate)?;
    finite(payment, "the payment", None)?;
    finite(present, "the present value", None)?;
    finite(future, "the future value", None)?;
    let distance = -(present + future);
    if distance == 0.0 {
        return Ok(Some(0.0));
    }
    let due = if when == PaymentTiming::Begin { 1.0 + rate } else { 1.0 };
    // What a period does to the balance: interest plus payment.
    let change = present * rate + payment * due;
    if !(distance.is_finite() && change.is_finite()) {
        return Err(CashflowError::OutOfRange { what: "the sum of the payments" });
    }
    if change == 0.0 {
        return Ok(Some(f64::INFINITY));
    }
    let periods =
        if rate == 0.0 { distance / change } else { (distance * rate / change).ln_1p() / force };
    if periods.is_infinite() && rate != 0.0 {
        return Ok(None);
    }
    Ok((periods >= 0.0).then_some(periods))
}

/// The rate per period of an annuity, with the signs of [`super::pv`]; None if no rate solves the
/// equation.
///
/// An annuity is a series of flows, `present`, `periods` payments and `future`, and its rate is
/// their internal rate of return: where two rates solve the equation the choice is that of
/// [`super::DatedFlows::xirr`]. The number of periods need not be whole.
///
/// # Errors
/// [`CashflowError::PeriodsOutOfBounds`] outside 1 to [`ANNUITY_PERIODS_MAX`],
/// [`CashflowError::NotFinite`], [`CashflowError::OutOfRange`] for amounts too large to be summed,
/// and [`CashflowError::NotVerified`].
pub fn rate(
    periods: f64,
    payment: f64,
    present: f64,
    future: f64,
    when: PaymentTiming,
) -> Result<Option<f64>, CashflowError> {
    if !(1.0..=f64::from(ANNUITY_PERIODS_MAX)).contains(&periods) {
        return Err(CashflowError::PeriodsOutOfBounds {
            given: periods.to_string(),
            max: ANNUITY_PERIODS_MAX,
        });
    }
    finite(payment, "the payment", None)?;
    finite(present, "the present value", None)?;
    finite(future, "the future value", None)?;
    let due = when == PaymentTiming::Begin;
    let above = Annuity { begin: present, end: future, payment, periods, due };
    let Net { slope, gross, .. } = above.net(0.0);
    if !(slope.is_finite() && gross.is_finite()) {
        return Err(CashflowError::OutOfRange { what: "the sum of the payments" });
    }
    match above.sign_changes() {
        0 => Ok(None),
        changes => BothSides {
            above,
            below: Annuity { begin: future, end: present, due: !due, ..above },
            total: total(&above),
            several: changes > 1,
        }
        .rate(),
    }
}

/// The undiscounted sum; zero if it is no more than the rounding of its terms.
fn total(annuity: &Annuity) -> f64 {
    let Net { value, gross, .. } = annuity.net(0.0);
    if value.abs() <= f64::EPSILON * gross { 0.0 } else { value }
}

/// An annuity as flows: `begin` at once, a payment each period and `end` with the last.
///
/// Seen backwards in time it is an annuity again, with the ends exchanged and payments at the
/// other end of their periods; that view serves the rates below zero.
#[derive(Clone, Copy, Debug)]
struct Annuity {
    begin: f64,
    end: f64,
    payment: f64,
    periods: f64,
    /// Whether payments fall at the beginning of their periods.
    due: bool,
}

impl Annuity {
    /// Changes of sign in the order of time.
    fn sign_changes(&self) -> usize {
        let signs = [self.begin, self.payment, self.end].map(f64::signum);
        let amounts = [self.begin, self.payment, self.end];
        let known: Vec<f64> = signs
            .into_iter()
            .zip(amounts)
            .filter(|(_, a)| *a != 0.0)
            .map(|(sign, _)| sign)
            .collect();
        known.windows(2).filter(|pair| pair.first() != pair.last()).count()
    }

    /// The values of one unit received at once, at the end and with each payment.
    fn units(&self, x: f64) -> [Leg; 3] {
        let n = self.periods;
        let end = (-n * x).exp();
        [Leg { value: 1.0, slope: 0.0 }, Leg { value: end, slope: -n * end }, self.series(x)]
    }

    /// One unit each period: `a = (1 - e^(-n x)) / (e^x - 1)`, times `e^x` if due at the
    /// beginning. Its logarithm is convex for n of one and more, because `sinh(n y) >= n sinh y`.
    fn series(&self, x: f64) -> Leg {
        let n = self.periods;
        let (value, log_slope) = if n * x < 1e-2 {
            // ln(a / n) = -(n+1) x / 2 + (n^2-1) x^2 / 24 - (n^4-1) x^4 / 2880 + ..., where the
            // closed form would lose its digits.
            let (square, fourth) = (n * n - 1.0, n.powi(4) - 1.0);
            let log = -(n + 1.0) * x / 2.0 + square * x * x / 24.0 - fourth * x.powi(4) / 2880.0;
            let slope = -(n + 1.0) / 2.0 + square * x / 12.0 - fourth * x.powi(3) / 720.0;
            (n * log.exp(), slope)
        } else {
            // d ln a / dx = n / (e^(n x) - 1) - 1 / (1 - e^-x)
            let value = -(-n * x).exp_m1() / x.exp_m1();
            (value, n / (n * x).exp_m1() + 1.0 / (-x).exp_m1())
        };
        let (shift, slope) = if self.due { (x.exp(), log_slope + 1.0) } else { (1.0, log_slope) };
        Leg { value: value * shift, slope: value * shift * slope }
    }

    /// The amounts with the values of their units.
    fn terms(&self, x: f64) -> impl Iterator<Item = (f64, Leg)> {
        [self.begin, self.end, self.payment].into_iter().zip(self.units(x))
    }
}

impl PresentValue for Annuity {
    fn legs(&self, x: f64) -> Legs {
        let mut legs = Legs::default();
        for (amount, unit) in self.terms(x) {
            let leg = if amount > 0.0 { &mut legs.received } else { &mut legs.paid };
            leg.value += amount.abs() * unit.value;
            leg.slope += amount.abs() * unit.slope;
        }
        legs
    }

    fn net(&self, x: f64) -> Net {
        let mut net = Net { value: 0.0, slope: 0.0, gross: 0.0 };
        for (amount, unit) in self.terms(x) {
            net.value += amount * unit.value;
            net.slope += amount * unit.slope;
            net.gross += amount.abs() * unit.value;
        }
        net
    }

    fn span(&self) -> f64 {
        self.periods
    }

    fn undiscounted(&self) -> f64 {
        if self.due { self.begin + self.payment } else { self.begin }
    }
}

#[cfg(test)]
mod tests {
    use super::PaymentTiming::{Begin, End};
    use super::*;
    use proptest::prelude::*;

    /// A car loan of 20,000 over five years at 400 a month, and a savings plan.
    #[test]
    fn rates_of_everyday_loans() {
        let monthly = rate(60.0, -400.0, 20_000.0, 0.0, End).unwrap().unwrap();
        assert!((12.0 * monthly - 0.074_200_957_935_047_56).abs() < 1e-14, "{monthly}");
        let saving = rate(10.0, -1_000.0, 0.0, 12_000.0, Begin).unwrap().unwrap();
        assert!((saving - 0.032_893_896_742_628_28).abs() < 1e-14, "{saving}");
        assert_eq!(rate(12.0, -100.0, 1_200.0, 0.0, End).unwrap(), Some(0.0));
        let long = rate(360.5, -1_000.0, 150_000.0, 0.0, End).unwrap().unwrap();
        assert!((long - 0.005_853_609_683_957_24).abs() < 1e-15, "{long}");
    }

    #[test]
    fn extreme_rates_are_found() {
        // One payment of a million for one, and a thousand periods at a rate of 1e6.
        assert!((rate(1.0, -1e6, 1.0, 0.0, End).unwrap().unwrap() / 999_999.0 - 1.0).abs() < 1e-14);
        assert!((rate(1_000.0, -1e6, 1.0, 0.0, End).unwrap().unwrap() / 1e6 - 1.0).abs() < 1e-14);
        let lost = rate(1.0, 0.0, -1e6, 1.0, End).unwrap().unwrap();
        assert!((lost + 1.0 - 1e-6).abs() < 1e-15);
        let tiny = rate(1e6, -1.0, 999_999.0, 0.0, End).unwrap().unwrap();
        assert!((tiny / 2e-12 - 1.0).abs() < 1e-3, "{tiny}");
    }

    #[test]
    fn no_rate_where_there_is_none() {
        assert_eq!(rate(12.0, 400.0, 10_000.0, 5_000.0, Begin).unwrap(), None);
        assert_eq!(rate(10.0, -10.0, 100.0, 1_000.0, End).unwrap(), None);
        assert_eq!(rate(12.0, 0.0, 0.0, 0.0, End).unwrap(), None);
        for periods in [0.0, -3.0, 0.5, 1_000_001.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                rate(periods, -1.0, 1.0, 0.0, End),
                Err(CashflowError::PeriodsOutOfBounds { .. })
            ));
        }
        assert!(rate(12.0, f64::NAN, 1.0, 0.0, End).is_err());
        assert!(matches!(
            rate(12.0, -1e308, 1e308, 0.0, End),
            Err(CashflowError::OutOfRange { .. })
        ));
    }

    #[test]
    fn periods_that_end_stand_still_or_never_come() {
        assert_eq!(nper(0.0, -100.0, 1_200.0, 0.0, End).unwrap(), Some(12.0));
        assert_eq!(nper(0.1, -100.0, 1_000.0, 0.0, End).unwrap(), Some(f64::INFINITY));
        assert_eq!(nper(0.1, -99.0, 1_000.0, 0.0, End).unwrap(), None);
        assert_eq!(nper(0.0, 100.0, 1_200.0, 0.0, End).unwrap(), None);
        assert_eq!(nper(0.1, 0.0, -500.0, 100.0, End).unwrap(), None);
        assert_eq!(nper(0.1, -5.0, -100.0, 100.0, End).unwrap(), Some(0.0));
        assert!(
            (nper(0.1, -100.0 / 1.1, 100.0, 0.0, Begin).unwrap().unwrap() - 1.1054487136).abs()
                < 1e-6
        );
        assert!(
            nper(-1.0, 1.0, 1.0, 1.0, End).is_err()
                && nper(0.1, f64::INFINITY, 1.0, 1.0, End).is_err()
        );
    }

    proptest! {
        #[test]
        fn the_rate_gives_the_payment_back(
            per_mille in -100i64..900,
            periods in 1i64..360,
            balloon in 0.0f64..0.9,
            begin in proptest::bool::ANY,
        ) {
            // A single payment at once bears no rate.
            prop_assume!(!(begin && periods == 1));
            let when = if begin { Begin } else { End };
            let (wanted, n) = (per_mille as f64 / 1_000.0, periods as f64);
            let growth = (n * wanted.ln_1p()).exp();
            // Less than what is left of the balance, so that payments do repay.
            let (present, future) = (1_000.0, -1_000.0 * balloon * growth.min(1.0));
            let annuity = if wanted == 0.0 { n } else { (n * wanted.ln_1p()).exp_m1() / wanted };
            let due = if begin { 1.0 + wanted } else { 1.0 };
            let payment = -(future + present * growth) / (due * annuity);
            let found = rate(n, payment, present, future, when).unwrap().unwrap();
            prop_assert!((found - wanted).abs() < 1e-11 * (1.0 + wanted), "{found} is not {wanted}");
            // Where the balance stands nearly still the payment says little of the periods.
            if (1e-6..1e6).contains(&growth) {
                let back = nper(wanted, payment, present, future, when).unwrap().unwrap();
                prop_assert!((back - n).abs() < 1e-6 * n.max(1.0), "{back} is not {n}");
            }
        }
    }
}
