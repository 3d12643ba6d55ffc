/// The inner product of two vectors, with the vector instructions that the machine has; the shorter one counts as
/// padded with zeros.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let common = a.len().min(b.len());
    pulp::Arch::new().dispatch(Dot(&a[..common], &b[..common]))
}

struct Dot<'a>(&'a [f32], &'a [f32]);

impl pulp::NullaryFnOnce for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        // Sums of their own let the compiler use vector instructions.
        const LANES: usize = 32;
        let (a, a_rest) = self.0.as_chunks::<LANES>();
        let (b, b_rest) = self.1.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        sums.iter().sum::<f32>() + rest
    }
}
