use strongroom::client::flow::Flow;

#[derive(Debug)]
struct Mine;

impl Flow for Mine {
    type Outcome = ();
    type Saved = ();

    fn saved(&mut self) {}

    fn give_up(&mut self) {}
}

fn look_inside(flow: &mut impl Flow) {
    flow.machine_mut();
}

fn main() {}
