"""What is made for others to load: rules, dashboards, and the objects by which HPA and KEDA follow the targets."""
