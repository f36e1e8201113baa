//! The minimum of a smooth function of a few variables, by the method of Broyden, Fletcher, Goldfarb
//! and Shanno (Nocedal and Wright 2006, algorithm 6.1).

/// Most steps towards a minimum.
const STEPS_MAX: usize = 500;
/// A gradient no longer than this is that of a minimum.
const GRADIENT_TOLERANCE: f64 = 1e-8;
/// How far a variable is moved to either side for a slope, as a part of itself or of one: the cube root of the precision, where the
/// errors of rounding and of curvature are the same.
const DIFFERENCE: f64 = 6e-6;
/// The part of the slope that a step must gain.
const SUFFICIENT: f64 = 1e-4;
/// How often a step is halved.
const HALVINGS_MAX: usize = 50;
/// Longest first step along the gradient.
const FIRST_STEP_MAX: f64 = 0.5;

/// Where a search ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::domain::market) struct Minimum<const N: usize> {
    pub(in crate::domain::market) at: [f64; N],
    /// Whether the gradient vanished there, as far as doubles can tell.
    pub(in crate::domain::market) converged: bool,
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// a + factor x b.
fn along<const N: usize>(a: &[f64; N], factor: f64, b: &[f64; N]) -> [f64; N] {
    let mut sum = *a;
    sum.iter_mut().zip(b).for_each(|(x, y)| *x += factor * y);
    sum
}

fn times<const N: usize>(matrix: &[[f64; N]; N], vector: &[f64; N]) -> [f64; N] {
    let mut product = [0.0; N];
    product.iter_mut().zip(matrix).for_each(|(value, row)| *value = dot(row, vector));
    product
}

fn identity<const N: usize>(scale: f64) -> [[f64; N]; N] {
    let mut matrix = [[0.0; N]; N];
    for (place, row) in matrix.iter_mut().enumerate() {
        if let Some(cell) = row.get_mut(place) {
            *cell = scale;
        }
    }
    matrix
}

fn gradient<const N: usize>(function: &impl Fn(&[f64; N]) -> f64, at: &[f64; N]) -> [f64; N] {
    let mut slopes = [0.0; N];
    for ((slope, direction), place) in slopes.iter_mut().zip(identity::<N>(1.0)).zip(at) {
        let apart = DIFFERENCE * place.abs().max(1.0);
        let (up, down) = (along(at, apart, &direction), along(at, -apart, &direction));
        *slope = (function(&up) - function(&down)) / (2.0 * apart);
    }
    slopes
}

/// The inverse of the curvature after a step, from what the gradient changed by on it.
fn update<const N: usize>(
    inverse: &[[f64; N]; N],
    step: &[f64; N],
    change: &[f64; N],
) -> [[f64; N]; N] {
    let scale = 1.0 / dot(step, change);
    let bent = times(inverse, change);
    let both = scale * (1.0 + scale * dot(change, &bent));
    let mut updated = *inverse;
    for (row, (s, h)) in updated.iter_mut().zip(step.iter().zip(&bent)) {
        for (cell, (t, g)) in row.iter_mut().zip(step.iter().zip(&bent)) {
            *cell += both * s * t - scale * (h * t + s * g);
        }
    }
    updated
}

/// The lowest point found from `start`. The function may be infinite where it is not defined.
pub(in crate::domain::market) fn minimise<const N: usize>(
    function: impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
) -> Minimum<N> {
    let mut at = start;
    let mut value = function(&at);
    let mut slopes = gradient(&function, &at);
    let mut inverse: Option<[[f64; N]; N]> = None;
    for _ in 0..STEPS_MAX {
        let length = dot(&slopes, &slopes).sqrt();
        if length <= GRADIENT_TOLERANCE || !length.is_finite() {
            break;
        }
        let guess = inverse.unwrap_or_else(|| identity((FIRST_STEP_MAX / length).min(1.0)));
        let mut direction = times(&guess, &slopes).map(|value| -value);
        if dot(&direction, &slopes) >= 0.0 {
            direction = slopes.map(|value| -value);
        }
        let slope = dot(&direction, &slopes);
        let mut factor = 1.0;
        let mut found = None;
        for _ in 0..HALVINGS_MAX {
            let next = along(&at, factor, &direction);
            let lower = function(&next);
            if lower <= value + SUFFICIENT * factor * slope {
                found = Some((next, lower));
                break;
            }
            factor /= 2.0;
        }
        // No step gains anything: from the last curvature once more, or this is as low as it goes.
        let Some((next, lower)) = found else {
            if inverse.take().is_none() {
                break;
            }
            continue;
        };
        let next_slopes = gradient(&function, &next);
        let (step, change) = (along(&next, -1.0, &at), along(&next_slopes, -1.0, &slopes));
        let bend = dot(&step, &change);
        if bend > 1e-12 * dot(&step, &step) {
            let before = inverse.unwrap_or_else(|| identity(bend / dot(&change, &change)));
            inverse = Some(update(&before, &step, &change));
        }
        (at, value, slopes) = (next, lower, next_slopes);
    }
    // What rounding leaves of a gradient at a minimum is a little more than what is asked for.
    let converged = dot(&slopes, &slopes).sqrt() <= 100.0 * GRADIENT_TOLERANCE;
    Minimum { at, converged }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn down_the_valley_of_rosenbrock() {
        let valley = |x: &[f64; 2]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let found = minimise(valley, [-1.2, 1.0]);
        assert!(found.converged && valley(&found.at) < 1e-12);
        assert!(found.at.iter().all(|x| (x - 1.0).abs() < 1e-5));
    }

    #[test]
    fn a_slope_without_an_end_does_not_converge() {
        assert!(!minimise(|x: &[f64; 1]| -x[0], [0.0]).converged);
        assert!(!minimise(|_: &[f64; 1]| f64::NAN, [0.0]).converged);
    }
}
