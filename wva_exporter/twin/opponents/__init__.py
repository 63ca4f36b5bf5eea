"""Who scales fleets today: nobody, Kubernetes' HPA on several metrics, KEDA."""
