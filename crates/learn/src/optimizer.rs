//! Gradient descent whose state can be kept.

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

const MOMENTUM: f64 = 0.9;
const VARIANCE_MOMENTUM: f64 = 0.98;
const EPSILON: f64 = 1e-8;

/// A variable that learns, by name.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) variable: Var,
    /// Whether it is pulled towards zero.
    pub(crate) decays: bool,
}

/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), with an exponential moving average of the variables.
///
/// candle's own keeps its moments to itself, so that training could not be resumed from a checkpoint.
pub(crate) struct Optimizer {
    parameters: Vec<Parameter>,
    states: Vec<State>,
    steps: usize,
}

struct State {
    first: Tensor,
    second: Tensor,
    average: Tensor,
}

impl Optimizer {
    pub(crate) fn new(parameters: Vec<Parameter>) -> Result<Self> {
        let state = |parameter: &Parameter| {
            Ok(State {
                first: parameter.variable.zeros_like()?,
                second: parameter.variable.zeros_like()?,
                // A copy: a variable that no batch teaches anything would be set to itself.
                average: parameter.variable.copy()?.detach(),
            })
        };
        Ok(Self {
            states: parameters.iter().map(state).collect::<Result<_>>()?,
            parameters,
            steps: 0,
        })
    }

    /// How many steps it has taken.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Counts a step without gradients.
    pub(crate) fn skip(&mut self) {
        self.steps += 1;
    }

    /// Moves the variables against their `gradients`.
    pub(crate) fn step(
        &mut self,
        gradients: &GradStore,
        rate: f64,
        decay: f64,
        averaging: f64,
    ) -> Result<()> {
        self.steps += 1;
        let steps = self.steps as i32;
        let unbias = |momentum: f64| 1.0 / (1.0 - momentum.powi(steps));
        // The first steps are far from where it goes.
        let averaging = averaging.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64));
        for (parameter, state) in self.parameters.iter().zip(&mut self.states) {
            let variable = &parameter.variable;
            let Some(gradient) = gradients.get(variable) else {
                continue;
            };
            let gradient = gradient.detach();
            state.first = mixed(&state.first, &gradient, MOMENTUM)?;
            state.second = mixed(&state.second, &gradient.sqr()?, VARIANCE_MOMENTUM)?;
            let spread = ((&state.second * unbias(VARIANCE_MOMENTUM))?.sqrt()? + EPSILON)?;
            let update = (&state.first * unbias(MOMENTUM))?.div(&spread)?;
            let kept = if parameter.decays { 1.0 - rate * decay } else { 1.0 };
            let moved = ((variable.as_tensor() * kept)? - (update * rate)?)?.detach();
            variable.set(&moved)?;
            state.average = mixed(&state.average, &moved, averaging)?;
        }
        Ok(())
    }

    /// The averages of the variables, by name.
    pub(crate) fn averages(&self) -> HashMap<String, Tensor> {
        let named = self.parameters.iter().zip(&self.states);
        named
            .map(|(parameter, state)| (parameter.name.clone(), state.average.clone()))
            .collect()
    }

    /// All that is needed to go on later.
    pub(crate) fn state(&self) -> HashMap<String, Tensor> {
        let mut tensors = HashMap::new();
        for (parameter, state) in self.parameters.iter().zip(&self.states) {
            let mut keep = |what: &str, tensor: Tensor| {
                tensors.insert(format!("{what}/{}", parameter.name), tensor);
            };
            keep("value", parameter.variable.as_detached_tensor());
            keep("first", state.first.clone());
            keep("second", state.second.clone());
            keep("average", state.average.clone());
        }
        tensors
    }

    /// Goes back to what [`state`](Self::state) gave after `steps` steps. `false` when something is missing.
    pub(crate) fn restore(&mut self, tensors: &HashMap<String, Tensor>, steps: usize) -> Result<bool> {
        let parameters = &self.parameters;
        let get = |what: &str, parameter: &Parameter| {
            let found = tensors.get(&format!("{what}/{}", parameter.name));
            found
                .filter(|tensor| tensor.dims() == parameter.variable.dims())
                .cloned()
        };
        let all = ["value", "first", "second", "average"];
        if !parameters
            .iter()
            .all(|parameter| all.iter().all(|what| get(what, parameter).is_some()))
        {
            return Ok(false);
        }
        for (parameter, state) in parameters.iter().zip(&mut self.states) {
            if let [Some(value), Some(first), Some(second), Some(average)] =
                all.map(|what| get(what, parameter))
            {
                parameter.variable.set(&value)?;
                *state = State {
                    first,
                    second,
                    average,
                };
            }
        }
        self.steps = steps;
        Ok(true)
    }
}

/// `share` of `old` and the rest of `new`.
fn mixed(old: &Tensor, new: &Tensor, share: f64) -> Result<Tensor> {
    (old * share)? + (new * (1.0 - share))?
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn parameter(start: f32) -> Parameter {
        Parameter {
            name: "x".into(),
            variable: Var::new(&[start], &Device::Cpu).unwrap(),
            decays: false,
        }
    }

    fn run(optimizer: &mut Optimizer, steps: usize) {
        for _ in 0..steps {
            let variable = optimizer.parameters[0].variable.clone();
            let gradients = (variable.as_tensor() - 3.0)
                .unwrap()
                .sqr()
                .unwrap()
                .backward()
                .unwrap();
            optimizer.step(&gradients, 0.1, 0.0, 0.9).unwrap();
        }
    }

    fn value(optimizer: &Optimizer) -> f32 {
        optimizer.parameters[0].variable.to_vec1::<f32>().unwrap()[0]
    }

    #[test]
    fn it_finds_the_lowest_point_and_so_does_the_average() {
        let mut optimizer = Optimizer::new(vec![parameter(0.0)]).unwrap();
        run(&mut optimizer, 300);
        let average = optimizer.averages()["x"].to_vec1::<f32>().unwrap()[0];
        assert!((value(&optimizer) - 3.0).abs() < 0.05 && (average - 3.0).abs() < 0.05);
    }

    #[test]
    fn going_on_from_a_kept_state_is_like_never_having_stopped() {
        let mut whole = Optimizer::new(vec![parameter(0.0)]).unwrap();
        run(&mut whole, 20);
        let mut first = Optimizer::new(vec![parameter(0.0)]).unwrap();
        run(&mut first, 8);
        let mut second = Optimizer::new(vec![parameter(7.0)]).unwrap();
        assert!(second.restore(&first.state(), first.steps()).unwrap());
        run(&mut second, 12);
        assert_eq!(value(&whole), value(&second));
        assert!(!second.restore(&HashMap::new(), 3).unwrap());
    }
}
