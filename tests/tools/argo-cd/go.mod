module seal.test/tools/argo-cd

go 1.26.8

require github.com/argoproj/argo-cd/v3 v3.2.0
