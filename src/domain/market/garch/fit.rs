//! Parameters by quasi maximum likelihood.
//!
//! The returns are taken from their mean and put into units of their standard deviation first, so that
//! the search sees the same problem whether they are fractions or per cent, and its end is put back.
//! The parameters are written as functions of unbounded variables: shares of a whole for what a
//! surprise and the variance hand on, whose sum therefore stays below one, and exponentials for what
//! must be positive.

use super::super::error::MarketError;
use super::super::minimum::{Minimum, minimise};
use super::super::spread::Spread;
use super::{Course, Distribution, Garch, RETURNS_MIN, backcast, checked};

/// Fewest degrees of freedom that are tried: at two the variance is infinite.
const FREEDOM_MIN: f64 = 2.05;
/// Surprise and persistence of the points the search may start from.
const STARTS: [(f64, f64); 8] = [
    (0.02, 0.98),
    (0.05, 0.98),
    (0.1, 0.98),
    (0.05, 0.95),
    (0.1, 0.95),
    (0.2, 0.95),
    (0.1, 0.8),
    (0.2, 0.5),
];

/// A fitted model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The parameters, in the units of the returns.
    pub model: Garch,
    /// The distribution, with the fitted degrees of freedom.
    pub distribution: Distribution,
    /// How many parameters were fitted.
    pub parameters: usize,
    /// How many returns there were.
    pub returns: usize,
    /// The variance taken for the day before the first.
    pub backcast: f64,
    /// What the variances end with.
    pub course: Course,
    /// Whether the likelihood has its maximum there.
    pub converged: bool,
}

impl Fit {
    /// Akaike's criterion.
    pub fn aic(&self) -> f64 {
        2.0 * self.parameters as f64 - 2.0 * self.course.log_likelihood
    }

    /// The Bayesian criterion of Schwarz.
    pub fn bic(&self) -> f64 {
        libm::log(self.returns as f64) * self.parameters as f64 - 2.0 * self.course.log_likelihood
    }
}

/// What the unbounded variables stand for, in the order mu, omega, the two shares, gamma's share, nu.
/// Variables that a model does not have stay at zero.
struct Shape {
    asymmetric: bool,
    student: bool,
}

/// How many variables there are at most.
const VARIABLES: usize = 6;

impl Shape {
    fn model(&self, variables: &[f64; VARIABLES]) -> (Garch, Distribution) {
        let &[mu, omega, surprise, remains, negative, freedom] = variables;
        let [rise, stay] = [libm::exp(surprise), libm::exp(remains)];
        let fall = if self.asymmetric { libm::exp(negative) } else { rise };
        // Half of all surprises are positive, so that each kind counts half.
        let whole = 1.0 + rise / 2.0 + fall / 2.0 + stay;
        let model = Garch {
            mu,
            omega: libm::exp(omega),
            alpha: rise / whole,
            gamma: (fall - rise) / whole,
            beta: stay / whole,
        };
        let distribution = if self.student {
            Distribution::StudentT(FREEDOM_MIN + libm::exp(freedom))
        } else {
            Distribution::Normal
        };
        (model, distribution)
    }

    /// The variables of a model that hands on so much of a surprise and so much in all, of returns
    /// with a mean of zero and a variance of one.
    fn start(&self, surprise: f64, persistence: f64) -> [f64; VARIABLES] {
        let rest = 1.0 - persistence;
        let rise = libm::log(surprise / rest);
        let stay = libm::log((persistence - surprise) / rest);
        let freedom = if self.student { libm::log(8.0 - FREEDOM_MIN) } else { 0.0 };
        [0.0, libm::log(rest), rise, stay, if self.asymmetric { rise } else { 0.0 }, freedom]
    }

    fn parameters(&self) -> usize {
        4 + usize::from(self.asymmetric) + usize::from(self.student)
    }
}

/// Fits a model to returns in order: with a gamma if asymmetric, of Student's distribution if so
/// told. The likelihood and the variance before the first day are those of the Python package arch.
///
/// # Errors
/// Returns that are too few, too many, not finite or all the same.
pub fn fit(returns: &[f64], asymmetric: bool, student: bool) -> Result<Fit, MarketError> {
    checked(returns, RETURNS_MIN)?;
    let mut spread = Spread::default();
    returns.iter().try_for_each(|value| spread.push(*value))?;
    let (Some(mean), Some(unit)) = (spread.mean(), spread.deviation(0)?) else {
        return Err(MarketError::TooFew { given: 0, least: RETURNS_MIN });
    };
    // Returns that differ by no more than their rounding are taken for the same.
    if unit <= mean.abs() * f64::EPSILON || unit < f64::MIN_POSITIVE.sqrt() {
        return Err(MarketError::Constant);
    }
    let scaled: Vec<f64> = returns.iter().map(|value| (value - mean) / unit).collect();
    let before = backcast(&scaled, 0.0);
    let shape = Shape { asymmetric, student };
    let unlikely = |variables: &[f64; VARIABLES]| {
        let (model, distribution) = shape.model(variables);
        let course = model.run(&scaled, model.first_variance(before), distribution, |_: f64| ());
        let value = -course.log_likelihood / scaled.len() as f64;
        if value.is_nan() { f64::INFINITY } else { value }
    };
    let start = STARTS
        .iter()
        .map(|&(surprise, persistence)| shape.start(surprise, persistence))
        .min_by(|a, b| unlikely(a).total_cmp(&unlikely(b)))
        .unwrap_or_default();
    let Minimum { at, converged } = minimise(unlikely, start);

    let (model, distribution) = shape.model(&at);
    let model = Garch { mu: mean + model.mu * unit, omega: model.omega * unit * unit, ..model };
    let backcast = before * unit * unit;
    let course = model.run(returns, model.first_variance(backcast), distribution, |_| ());
    super::in_range("the likelihood", course.log_likelihood)?;
    Ok(Fit {
        model,
        distribution,
        parameters: shape.parameters(),
        returns: returns.len(),
        backcast,
        course,
        converged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns that follow the model, from a generator of Park and Miller and sums of twelve draws.
    fn simulated(model: Garch, count: usize) -> Vec<f64> {
        let mut seed = 20_240_101_u64;
        let mut draw = || {
            seed = seed * 48_271 % 0x7fff_ffff;
            seed as f64 / f64::from(0x7fff_ffff)
        };
        let mut variance = model.unconditional_variance().unwrap();
        (0..count)
            .map(|_| {
                let normal = (0..12).map(|_| draw()).sum::<f64>() - 6.0;
                let value = model.mu + variance.sqrt() * normal;
                variance = model.after(variance, value);
                value
            })
            .collect()
    }

    #[test]
    fn a_model_is_found_again() {
        let truth = Garch { mu: 0.05, omega: 0.05, alpha: 0.1, gamma: 0.0, beta: 0.85 };
        let returns = simulated(truth, 20_000);
        let found = fit(&returns, false, false).unwrap();
        assert!(found.converged);
        for (got, wanted) in [
            (found.model.mu, truth.mu),
            (found.model.omega, truth.omega),
            (found.model.alpha, truth.alpha),
            (found.model.beta, truth.beta),
        ] {
            assert!((got - wanted).abs() < 0.02, "{got} against {wanted}");
        }
        assert_eq!(found.parameters, 4);
        // What the truth has of likelihood, its maximum has more of.
        let first = truth.first_variance(found.backcast);
        let course = truth.run(&returns, first, Distribution::Normal, |_| ());
        assert!(found.course.log_likelihood >= course.log_likelihood);
        // A gamma that is not there is not found; the tails of twelve draws are thin.
        let asymmetric = fit(&returns, true, true).unwrap();
        assert!(asymmetric.model.gamma.abs() < 0.03);
        assert_eq!(asymmetric.parameters, 6);
    }

    #[test]
    fn units_do_not_matter() {
        let truth = Garch { mu: 0.0, omega: 0.02, alpha: 0.05, gamma: 0.05, beta: 0.9 };
        let per_cent = simulated(truth, 3000);
        let fractions: Vec<f64> = per_cent.iter().map(|value| value / 100.0).collect();
        let (a, b) = (fit(&per_cent, true, false).unwrap(), fit(&fractions, true, false).unwrap());
        assert!((a.model.omega / (b.model.omega * 1e4) - 1.0).abs() < 1e-4);
        assert!((a.model.beta - b.model.beta).abs() < 1e-5);
        let moved = a.course.log_likelihood + 3000.0 * 100f64.ln();
        assert!((moved - b.course.log_likelihood).abs() < 1e-6);
        assert!(a.aic() < a.bic());
    }

    #[test]
    fn what_has_no_model_is_refused() {
        assert!(matches!(fit(&[0.01; 49], false, false), Err(MarketError::TooFew { .. })));
        assert_eq!(fit(&[0.01; 60], false, false), Err(MarketError::Constant));
        assert_eq!(fit(&[0.0; 60], false, false), Err(MarketError::Constant));
        let mut broken = vec![0.01; 60];
        broken.push(f64::NAN);
        assert!(matches!(fit(&broken, false, false), Err(MarketError::NotFinite(_))));
        assert!(matches!(
            fit(&vec![0.01; 100_001], false, false),
            Err(MarketError::TooMany { .. })
        ));
    }
}
