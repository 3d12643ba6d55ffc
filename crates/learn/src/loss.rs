//! What training makes small.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::log_softmax;
use serde::Serialize;

/// The loss of a batch of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Symmetric InfoNCE (van den Oord et al. 2018, arXiv:1807.03748; Radford et al. 2021, arXiv:2103.00020): each
    /// side picks its partner out of the batch. Several positives share the probability (Khosla et al. 2020,
    /// arXiv:2004.11362).
    InfoNce,
    /// The sigmoid loss of SigLIP (Zhai et al. 2023, arXiv:2303.15343): each pair of the batch is right or wrong by
    /// itself.
    Sigmoid,
}

/// How inner products become logits; both are learned.
pub(crate) struct Logits<'a> {
    /// The inverse temperature, a scalar.
    pub(crate) scale: &'a Tensor,
    /// Added for [`Loss::Sigmoid`], a scalar.
    pub(crate) bias: &'a Tensor,
    /// How much more the hard negatives count than the easy ones, 0 for not at all: the weight of a negative grows
    /// with the exponential of this times its logit (Robinson et al. 2021, arXiv:2010.04592).
    pub(crate) hardness: f64,
}

/// The loss of the unit vectors `a` and `b`, both `[n, dimension]`, where `positive` `[n, n]` is 1 for pairs that
/// belong together and 0 for others; each row and column has at least one.
pub(crate) fn loss(
    kind: Loss,
    a: &Tensor,
    b: &Tensor,
    positive: &Tensor,
    logits: &Logits<'_>,
) -> Result<Tensor> {
    let scaled = a.matmul(&b.t()?)?.broadcast_mul(logits.scale)?;
    match kind {
        Loss::InfoNce => {
            let hardened = harden(&scaled, positive, logits.hardness)?;
            let there = cross_entropy(&hardened, positive)?;
            let back = cross_entropy(&hardened.t()?, &positive.t()?)?;
            (there + back)? * 0.5
        }
        Loss::Sigmoid => sigmoid(&scaled.broadcast_add(logits.bias)?, positive),
    }
}

/// Adds to the logits of negatives, so that the loss looks more at those that are high already.
fn harden(logits: &Tensor, positive: &Tensor, hardness: f64) -> Result<Tensor> {
    if hardness == 0.0 {
        return Ok(logits.clone());
    }
    let negative = positive.affine(-1.0, 1.0)?;
    let added = (logits.detach() * hardness)?;
    // The mean over negatives is taken away, so that the weights only move between them.
    let mean = (added.mul(&negative)?.sum_keepdim(D::Minus1)?)
        .broadcast_div(&negative.sum_keepdim(D::Minus1)?.affine(1.0, 1e-6)?)?;
    logits + added.broadcast_sub(&mean)?.mul(&negative)?
}

/// The mean over rows of the cross entropy between the softmax of the logits and equal shares for all positives.
pub(crate) fn cross_entropy(logits: &Tensor, positive: &Tensor) -> Result<Tensor> {
    let shares = positive.broadcast_div(&positive.sum_keepdim(D::Minus1)?)?;
    let likelihood = log_softmax(logits, D::Minus1)?.mul(&shares)?;
    likelihood.sum(D::Minus1)?.mean_all()?.neg()
}

/// The sum over columns and mean over rows of the logistic loss.
fn sigmoid(logits: &Tensor, positive: &Tensor) -> Result<Tensor> {
    // 1 for positives, -1 for negatives; softplus(-x) = max(-x, 0) + log(1 + exp(-|x|)).
    let right = logits.mul(&positive.affine(2.0, -1.0)?)?;
    let softplus = (right.neg()?.relu()? + right.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()?)?;
    softplus.sum(D::Minus1)?.mean_all()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    const N: usize = 4;
    const DIMENSION: usize = 3;

    fn values(seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..N * DIMENSION).map(|_| next()).collect()
    }

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::from_slice(values, (N, DIMENSION), &Device::Cpu).unwrap()
    }

    fn positives() -> Tensor {
        // The last two items are of one class.
        let rows: [[f32; N]; N] = [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 1.0],
            [0.0, 0.0, 1.0, 1.0],
        ];
        Tensor::new(&rows, &Device::Cpu).unwrap()
    }

    fn value(kind: Loss, a: &Tensor, b: &Tensor, hardness: f64) -> Tensor {
        let scalar = |x: f32| Tensor::new(x, &Device::Cpu).unwrap();
        let logits = Logits {
            scale: &scalar(3.0),
            bias: &scalar(-0.5),
            hardness,
        };
        loss(kind, a, b, &positives(), &logits).unwrap()
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        for kind in [Loss::InfoNce, Loss::Sigmoid] {
            let (a, b) = (values(1), tensor(&values(2)));
            let variable = Var::from_tensor(&tensor(&a)).unwrap();
            let gradients = value(kind, &variable, &b, 0.0).backward().unwrap();
            let gradient = gradients.get(&variable).unwrap().flatten_all().unwrap();
            let gradient: Vec<f32> = gradient.to_vec1().unwrap();
            for place in 0..a.len() {
                const STEP: f32 = 1e-2;
                let at = |offset: f32| {
                    let mut moved = a.clone();
                    moved[place] += offset;
                    value(kind, &tensor(&moved), &b, 0.0).to_scalar::<f32>().unwrap()
                };
                let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                assert!((slope - gradient[place]).abs() < 2e-3, "{kind:?} {place}");
            }
        }
    }

    #[test]
    fn info_nce_by_hand() {
        // Two items whose partners score 3 and the others 0: log(1 + exp(-3)) on both sides.
        let axes = Tensor::new(&[[1f32, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
        let scalar = |x: f32| Tensor::new(x, &Device::Cpu).unwrap();
        let logits = Logits {
            scale: &scalar(3.0),
            bias: &scalar(0.0),
            hardness: 0.0,
        };
        let found = loss(Loss::InfoNce, &axes, &axes, &axes, &logits).unwrap();
        let expected = (1.0 + (-3f32).exp()).ln();
        assert!((found.to_scalar::<f32>().unwrap() - expected).abs() < 1e-6);
    }

    #[test]
    fn a_partner_of_the_class_is_not_pushed_away() {
        // The last item leans from the third one's axis towards the second axis.
        let vectors = tensor(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.6, 0.8]);
        let strangers = Tensor::eye(N, candle_core::DType::F32, &Device::Cpu).unwrap();
        let scalar = |x: f32| Tensor::new(x, &Device::Cpu).unwrap();
        for kind in [Loss::InfoNce, Loss::Sigmoid] {
            let push = |positive: &Tensor| {
                let variable = Var::from_tensor(&vectors).unwrap();
                let logits = Logits {
                    scale: &scalar(3.0),
                    bias: &scalar(-0.5),
                    hardness: 0.0,
                };
                let loss = loss(kind, &variable, &vectors, positive, &logits).unwrap();
                let gradients = loss.backward().unwrap();
                let gradient = gradients.get(&variable).unwrap().to_vec2::<f32>().unwrap();
                // How much descent drives the third item away from that lean.
                gradient[2][1]
            };
            assert!(push(&positives()) < push(&strangers) - 1e-3, "{kind:?}");
        }
    }

    #[test]
    fn hardness_makes_high_negatives_cost_more() {
        let (a, b) = (tensor(&values(1)), tensor(&values(2)));
        let gradient = |hardness| {
            let variable = Var::from_tensor(&a).unwrap();
            let gradients = value(Loss::InfoNce, &variable, &b, hardness).backward().unwrap();
            let gradient = gradients.get(&variable).unwrap().flatten_all().unwrap();
            gradient.to_vec1::<f32>().unwrap()
        };
        assert_ne!(gradient(0.0), gradient(1.0));
        assert!(gradient(1.0).iter().all(|x| x.is_finite()));
    }
}
