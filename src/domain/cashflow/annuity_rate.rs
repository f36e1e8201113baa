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
/// [`CashflowError::NotFinite`], and [`CashflowError::RateTooLow`] at or below minus one.
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
/// [`CashflowError::NotFinite`] and [`CashflowError::NotVerified`].
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
